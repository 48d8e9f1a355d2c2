"""A .sql file that says in its first lines, as comments, what its query is for.

These lines are ``-- key: value``, going on in lines that begin with ``--`` and two spaces or more.
The first line that is no such comment begins the SQL. Which keys there are, and what their values
mean, is for the reader of each kind of file to say.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from include.sales.reading import Problem

_KEY = re.compile(r"-- (\w+): *(.*)")
_CONTINUED = re.compile(r"--  +(.*)")

T = TypeVar("T")


class Entry(NamedTuple):
    """A key with its value, and the line that it begins in, from 1."""

    line: int
    key: str
    value: str


class SqlFile(NamedTuple):
    """What a file holds; `problems` are those of its form."""

    name: str
    entries: list[Entry]
    lines: list[str]
    """The SQL's."""
    first_line: int
    """Of the SQL in the file, from 1."""
    problems: list[Problem]

    @property
    def sql(self) -> str:
        """The query, '' if there is none."""
        return "\n".join(self.lines).strip()


def read_sql_file(path: Path) -> SqlFile | list[Problem]:
    """Take a file apart; returns what is wrong if it is no text at all."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        return [Problem(path.name, 1, f"the file is not UTF-8: {error}")]
    head = next((n for n, line in enumerate(lines) if not line.startswith("--")), len(lines))
    entries: list[Entry] = []
    problems = []
    for number, line in enumerate(lines[:head], 1):
        if found := _KEY.fullmatch(line):
            entries.append(Entry(number, found[1], found[2].strip()))
        elif (found := _CONTINUED.fullmatch(line)) and entries:
            last = entries[-1]
            entries[-1] = last._replace(value=f"{last.value} {found[1]}".strip())
        else:
            problems.append(Problem(path.name, number, f"{line!r} is not '-- key: value'"))
    return SqlFile(path.name, entries, lines[head:], head + 1, problems)


def read_folder(
    folder: Path, parse: Callable[[Path], T | list[Problem]]
) -> tuple[list[T], list[Problem]]:
    """Parse the ``.sql`` files of a folder, in the order of their names; none is a problem too."""
    files = sorted(folder.glob("*.sql"))
    problems = [] if files else [Problem(str(folder), 1, "there is no .sql file")]
    good = []
    for file in files:
        found = parse(file)
        if isinstance(found, list):
            problems += found
        else:
            good.append(found)
    return good, problems
