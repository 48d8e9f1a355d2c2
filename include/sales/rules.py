"""Rules for the data files: each checks some lines and collects every problem.

A rule about a whole table is skipped if some of the table's lines could not be read: it would only
report the consequences of their problems.
"""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from include.sales.data_files import Line, Problem, read_table
from include.sales.tables import Row, applicable

SHARE_TOLERANCE: Final = 0.15
"""Tolerance of a sum of percentages around 100: published ones are rounded to one decimal."""


class Rules:
    """The tables of a folder, a CSV file each, and the problems found in them so far."""

    def __init__(self, folder: Path, row_types: Mapping[str, type[Row]]) -> None:
        """Read the tables; the keys of `row_types` are the files' names without `.csv`."""
        self.row_types = row_types
        self.problems: list[Problem] = []
        self.broken: set[str] = set()
        self._lines: dict[str, list[Line[Any]]] = {}
        for name, row_type in row_types.items():
            self._lines[name], problems = read_table(folder / f"{name}.csv", row_type)
            self.problems += problems
            if problems:
                self.broken.add(name)

    def rows(self, name: str) -> list[Any]:
        """Return the readable rows of a table."""
        return [line.row for line in self._lines[name]]

    def lines(self, name: str, holds: Callable[[Any], bool], text: str) -> None:
        """Check that each line satisfies a condition; `text` is the problem if it does not."""
        for line in self._lines[name]:
            if not holds(line.row):
                self._report(name, line.number, text)

    def some(self, name: str, holds: Callable[[Any], bool], text: str) -> None:
        """Check that some line satisfies a condition; `text` is the problem if none does."""
        if name not in self.broken and not any(map(holds, self.rows(name))):
            self._report(name, 1, text)

    def unique(self, name: str, *columns: str) -> None:
        """Check that no two lines have the same values in the columns."""
        first: dict[tuple[Any, ...], int] = {}
        for line in self._lines[name]:
            values = tuple(getattr(line.row, column) for column in columns)
            if first.setdefault(values, line.number) != line.number:
                text = ", ".join(f"{c} {v!r}" for c, v in zip(columns, values, strict=True))
                self._report(name, line.number, f"{text} is already in line {first[values]}")

    def complete(
        self, name: str, columns: Sequence[str], options: Sequence[Iterable[object]]
    ) -> None:
        """Check that there is a line for each combination of the columns' options."""
        if name in self.broken:
            return
        present = {tuple(getattr(row, c) for c in columns) for row in self.rows(name)}
        for values in itertools.product(*options):
            if values not in present:
                text = ", ".join(f"{c} {v!r}" for c, v in zip(columns, values, strict=True))
                self._report(name, 1, f"the line with {text} is missing")

    def refers(self, name: str, column: str, target: str, target_column: str) -> None:
        """Check that each value of a column, unless blank, is in the target table's column."""
        if target in self.broken:
            return
        known = {"", *(getattr(line.row, target_column) for line in self._lines[target])}
        for line in self._lines[name]:
            value = getattr(line.row, column)
            if value not in known:
                self._report(name, line.number, f"{column} {value!r} is not in {target}.csv")

    def each(self, name: str, column: str, user: str, user_column: str) -> None:
        """Check that each value of a column is used in some line of the user table."""
        if user in self.broken:
            return
        used = {getattr(line.row, user_column) for line in self._lines[user]}
        for line in self._lines[name]:
            value = getattr(line.row, column)
            if value not in used:
                self._report(name, line.number, f"{column} {value!r} has no line in {user}.csv")

    def shares(self, name: str) -> None:
        """Check that under each condition the shares sum to 100 and no option is repeated."""
        totals: dict[tuple[str, ...], float] = {}
        first: dict[tuple[str, ...], int] = {}
        options: set[tuple[tuple[str, ...], str | int]] = set()
        for number, row in self._lines[name]:
            totals[row.condition] = totals.get(row.condition, 0.0) + row.share
            first.setdefault(row.condition, number)
            if (row.condition, row.option) in options:
                self._report(name, number, f"{_named(row.condition)}{row.option!r} is repeated")
            options.add((row.condition, row.option))
        if name in self.broken:
            return
        for condition, total in totals.items():
            if abs(total - 100) > SHARE_TOLERANCE:
                text = f"the shares {_named(condition)}sum to {total:.2f}, not 100"
                self._report(name, first[condition], text)

    def covers(
        self, name: str, conditions: Iterable[tuple[str, ...]], also: str | None = None
    ) -> None:
        """Check that each condition has a line, its own or the one with a blank last part.

        `also` is a table that must be readable too: the conditions come from it.
        """
        if self.broken & {name, also}:
            return
        rows = self.rows(name)
        for condition in conditions:
            if not applicable(rows, condition):
                self._report(name, 1, f"the lines {_named(condition)}are missing")

    def _report(self, name: str, line: int, text: str) -> None:
        self.problems.append(Problem(f"{name}.csv", line, text))


def _named(condition: tuple[str, ...]) -> str:
    return f"of {'/'.join(part or 'all' for part in condition)} " if condition else ""
