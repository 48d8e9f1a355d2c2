"""Split free SQL into tokens as Calcite's lexer does; refuse any other character."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from include.texts import InputError

LONGEST_TEXT: Final = 100
"""Most characters of a quoted text or name."""

LONGEST_NUMBER: Final = 30
LARGEST_EXPONENT: Final = 300

#: `sql_box.one_query` has removed the comments, so none may begin here. A word directly before a
#: quote is refused, because it could be a character set, as in ``_utf8'…'``.
_TOKEN: Final = re.compile(
    r"""
    (?P<space>[ \t\r\n]+)
    | (?P<word>[A-Za-z_À-ÖØ-öø-ÿ][A-Za-z0-9_À-ÖØ-öø-ÿ]*+(?!'))
    | (?P<quoted>"(?:[^"]|"")+")
    | (?P<text>'(?:[^']|'')*')
    | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    | (?P<sign>\|\||<>|<=|>=|!=|-(?!-)|/(?![/*])|[+*=<>(),.])
    """,
    re.VERBOSE,
)


class SqlRefusedError(InputError):
    """The query, or a limit for it, is not allowed."""


class Token(NamedTuple):
    """A token of SQL, spaces excluded; the last token has the kind "end" and no text."""

    kind: str
    text: str
    start: int


def lexed(sql: str) -> Iterator[Token]:
    """Yield the tokens of a statement.

    Raises:
        SqlRefusedError: a character is not allowed, or a literal is too long.
    """
    at = 0
    while at < len(sql):
        found = _TOKEN.match(sql, at)
        if not found or not found.lastgroup:
            raise SqlRefusedError("page_refusal.sql.sign", near=sql[at : at + 20])
        kind, text = found.lastgroup, found[0]
        if kind in ("text", "quoted"):
            bound(len(text) - 2, LONGEST_TEXT, "characters")
        elif kind == "number":
            _check_number(text)
        if kind != "space":
            yield Token(kind, text, at)
        at = found.end()
    yield Token("end", "", at)


def bound(found: int, most: int, things: str) -> None:
    """Refuse a query that has more than `most` things; "page_refusal.sql.too_many" names them."""
    if found > most:
        raise SqlRefusedError(f"page_refusal.sql.too_many.{things}", found=found, most=most)


def _check_number(text: str) -> None:
    exponent = re.split("[eE]", text)[1:] or ["0"]
    # Java expands a number into all its digits: 1e1000000000 would have a billion.
    if len(text) > LONGEST_NUMBER or abs(int(exponent[0])) > LARGEST_EXPONENT:
        raise SqlRefusedError(
            "page_refusal.sql.number",
            number=text[:40],
            digits=LONGEST_NUMBER,
            exponent=LARGEST_EXPONENT,
        )
