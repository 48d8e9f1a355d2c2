"""Split SQL as Druid's parser does, enough to tell quoted texts and comments from the rest."""

import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, cast

Kind = Literal["comment", "quoted", "unclosed", "name", "word", "space", "sign"]

_TOKEN: Final = re.compile(
    r"""
    (?P<comment>(?:--|//)[^\r\n]*|/\*.*?\*/)
    | (?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*")
    | (?P<unclosed>/\*|['"])
    | (?P<name>(?<!:):[a-z_]+)
    | (?P<word>\w+)
    | (?P<space>\s+)
    | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """A piece of SQL.

    "name" is a named parameter, ``:desde``; "unclosed" is a quote or ``/*`` that is never closed.
    """

    kind: Kind
    text: str


def tokens(sql: str) -> Iterator[Token]:
    """Yield the pieces of a text; joined, they are the text again."""
    for found in _TOKEN.finditer(sql):
        yield Token(cast(Kind, found.lastgroup), found[0])
