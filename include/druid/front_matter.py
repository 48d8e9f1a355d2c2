"""Reader of .sql files that begin with a header of comments, which describes the query.

A header line is ``-- key: value``; lines that begin with ``--`` and two or more spaces continue the
value. The SQL begins at the first line that does not begin with ``--``. The module of each kind of
file defines the keys and their values.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from include.sales.data_files import Problem

_KEY = re.compile(r"-- (\w+): *(.*)")
_CONTINUED = re.compile(r"--  +(.*)")

T = TypeVar("T")


class Entry(NamedTuple):
    """A key with its value; `line` is where the key is, counted from 1."""

    line: int
    key: str
    value: str


class SqlFile(NamedTuple):
    """Contents of a file; `problems` are header lines without the form ``-- key: value``."""

    name: str
    entries: list[Entry]
    lines: list[str]
    """Lines of the SQL."""
    first_line: int
    """Number of the SQL's first line in the file, from 1."""
    problems: list[Problem]

    @property
    def sql(self) -> str:
        """The query, '' if there is none."""
        return "\n".join(self.lines).strip()


def read_sql_file(path: Path) -> SqlFile | list[Problem]:
    """Split a file into header and SQL; return the problem if it is not UTF-8 text."""
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
    """Parse a folder's ``.sql`` files in the order of their names; an empty folder is a problem."""
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
