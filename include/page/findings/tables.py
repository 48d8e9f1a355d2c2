"""Druid's rows as arrays, with one row per subject and one column per window."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from include.sales.random_numbers import Ints

Name = TypeVar("Name", bound=Hashable)

Column = Sequence[Any] | npt.NDArray[Any]
Columns = Mapping[str, Column]
"""The rows of a query, by column: a sequence of the rows' values for each name."""


MOST_SUBJECTS: Final = 2_000
"""Most subjects of a table; the largest are kept.

No market has so many, but records may hold any number of names."""


class Table(NamedTuple, Generic[Name]):
    """Sums by subject and window.

    Attributes:
        names: the subjects, in the order of the arrays' rows.
        cells: an array (subjects, windows) for each of Druid's columns; 0 where Druid has no row.
    """

    names: list[Name]
    cells: dict[str, Ints]


class Coded(NamedTuple, Generic[Name]):
    """The rows of a query as arrays, from which tables of any windows are summed.

    Attributes:
        columns: the rows' columns.
        names: the subjects.
        subjects: place of each row's subject in `names`.
        windows: window of each row.
    """

    columns: Columns
    names: list[Name]
    subjects: Ints
    windows: Ints

    def table(self, windows: Sequence[int], columns: Sequence[str]) -> Table[Name]:
        """Sum the rows of each subject and window; rows of other windows are left out.

        If there are more than `MOST_SUBJECTS`, the subjects with the largest sums in the first
        column are kept.
        """
        chosen = np.array(windows)
        ascending = np.argsort(chosen)
        at = ascending[np.searchsorted(chosen, self.windows, sorter=ascending) % len(chosen)]
        kept = np.flatnonzero(chosen[at] == self.windows)
        found, first = np.unique(self.subjects[kept], return_index=True)
        found = found[np.argsort(first)]
        place = np.zeros(len(self.names), dtype=np.int64)
        place[found] = np.arange(len(found))
        flat = place[self.subjects[kept]] * len(chosen) + at[kept]
        cells = {}
        for column in columns:
            cell = np.zeros(len(found) * len(chosen), dtype=np.int64)
            np.add.at(cell, flat, integers(self.columns[column])[kept])
            cells[column] = cell.reshape(len(found), len(chosen))
        table = Table([self.names[subject] for subject in found.tolist()], cells)
        if len(found) <= MOST_SUBJECTS:
            return table
        sizes = cells[columns[0]].sum(axis=1)
        return _chosen(table, np.sort(np.argsort(-sizes, kind="stable")[:MOST_SUBJECTS]).tolist())


def coded(
    columns: Columns, subjects: Iterable[Any], windows: str, name: Callable[[Any], Name]
) -> Coded[Name]:
    """Number the subjects of a query's rows.

    `subjects` has a value for each row, and `name` turns a value into the subject's name. `windows`
    is the column of the rows' windows.
    """
    values = list(subjects)
    try:
        names = {value: name(value) for value in dict.fromkeys(values)}
        named_rows = [names[value] for value in values]
    except TypeError:  # a record with several values in a column: they come as a list
        named_rows = [name(value) for value in values]
    places = {found: place for place, found in enumerate(dict.fromkeys(named_rows))}
    numbers = np.fromiter(map(places.__getitem__, named_rows), np.int64, len(named_rows))
    return Coded(columns, list(places), numbers, np.asarray(columns[windows], dtype=np.int64))


def integers(values: Column) -> Ints:
    """Return a column of numbers as an array; 0 where Druid has none."""
    try:
        return np.asarray(values, dtype=np.int64)
    except TypeError:
        return np.array([value or 0 for value in values], dtype=np.int64)


def named(table: Table[str]) -> Table[str]:
    """Leave out the subject with an empty name: its rows have no product, category or store."""
    if "" not in table.names:
        return table
    return _chosen(table, [place for place, name in enumerate(table.names) if name])


def _chosen(table: Table[Name], places: Sequence[int]) -> Table[Name]:
    cells = {column: cell[list(places)] for column, cell in table.cells.items()}
    return Table([table.names[place] for place in places], cells)
