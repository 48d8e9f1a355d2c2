"""Hostile statements for the SQL box: the corpus of ``tests/attack/sql.txt``, and random ones."""

import re
from pathlib import Path
from typing import NamedTuple

CORPUS = Path(__file__).parents[1] / "attack" / "sql.txt"

_HEADER = re.compile(r"^## (refused|asked|heavy): (.*)\n", re.MULTILINE)
_REPEATED = re.compile(r"\{\{(\d+)\*(.*?)\}\}", re.DOTALL)


class Hostile(NamedTuple):
    """A statement; the corpus file explains the three kinds; `attack` names its target."""

    kind: str
    attack: str
    sql: str


def corpus() -> list[Hostile]:
    """Return the statements of the file."""
    _, *parts = _HEADER.split(CORPUS.read_text(encoding="utf-8"))
    kinds, attacks, texts = parts[::3], parts[1::3], parts[2::3]
    return [
        Hostile(kind, attack, _REPEATED.sub(_repeat, text.strip()))
        for kind, attack, text in zip(kinds, attacks, texts, strict=True)
    ]


def _repeat(found: re.Match[str]) -> str:
    return "".join(found[2].replace("#", str(n)) for n in range(1, int(found[1]) + 1))
