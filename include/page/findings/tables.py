"""Druid's rows as arrays, with one row per subject and one column per window."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar

import numpy as np

from include.sales.random_numbers import Ints

Name = TypeVar("Name")
Row = Mapping[str, Any]


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


def tabulate(
    rows: Iterable[Row],
    name: Callable[[Row], Name],
    window: Callable[[Row], int],
    windows: Sequence[int],
    columns: Sequence[str],
) -> Table[Name]:
    """Sum the rows of each subject and window; rows of other windows than `windows` are left out.

    If there are more than `MOST_SUBJECTS`, the subjects with the largest sums in the first column
    are kept.
    """
    places = {at: place for place, at in enumerate(windows)}
    kept = [(name(row), places[window(row)], row) for row in rows if window(row) in places]
    names = list(dict.fromkeys(found for found, _, _ in kept))
    order = {found: place for place, found in enumerate(names)}
    cells = {column: np.zeros((len(names), len(windows)), dtype=np.int64) for column in columns}
    for found, place, row in kept:
        for column in columns:
            cells[column][order[found], place] += row[column] or 0
    table = Table(names, cells)
    if len(names) <= MOST_SUBJECTS:
        return table
    sizes = cells[columns[0]].sum(axis=1)
    return _chosen(table, np.sort(np.argsort(-sizes, kind="stable")[:MOST_SUBJECTS]).tolist())


def named(table: Table[str]) -> Table[str]:
    """Leave out the subject with an empty name: its rows have no product, category or store."""
    return _chosen(table, [place for place, name in enumerate(table.names) if name])


def _chosen(table: Table[Name], places: Sequence[int]) -> Table[Name]:
    cells = {column: cell[list(places)] for column, cell in table.cells.items()}
    return Table([table.names[place] for place in places], cells)
