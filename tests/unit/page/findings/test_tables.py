"""Conversion of Druid's rows to arrays."""

from typing import Any

import pytest

from include.page.findings import tables
from include.page.findings.tables import Coded, coded, named


def rows(**columns: list[Any]) -> Coded[str]:
    """Return the rows of these columns; a list in `nombre` is named after its first value."""
    return coded(columns, columns["nombre"], "dia", lambda value: str(value[0]))


def test_table_sums_rows_by_subject_and_window() -> None:
    found = rows(
        nombre=["a", "b", "a", "a", "c"],
        dia=[4, 7, 0, 0, 4],
        ventas=[1, 3, 2, 5, 8],
        ultima=[None, None, 99, None, 1],
    ).table((0, 7), ("ventas", "ultima"))
    # In the order of the rows of these windows.
    assert found.names == ["b", "a"]
    assert found.cells["ventas"].tolist() == [[0, 3], [7, 0]]
    assert found.cells["ultima"].tolist() == [[0, 0], [99, 0]]


def test_values_with_the_same_name_are_one_subject() -> None:
    found = rows(nombre=["a", ["b", "b"], "a", "b"], dia=[0, 0, 0, 0], ventas=[1, 2, 4, 8])
    table = found.table((0,), ("ventas",))
    assert (table.names, table.cells["ventas"].tolist()) == (["a", "b"], [[5], [10]])


def test_table_keeps_the_largest_of_too_many_subjects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST_SUBJECTS", 2)
    found = rows(nombre=["a", "b", "c"], dia=[0, 0, 0], ventas=[3, 1, 9]).table((0,), ("ventas",))
    assert (found.names, found.cells["ventas"].tolist()) == (["a", "c"], [[3], [9]])


def test_named_leaves_out_rows_without_a_name() -> None:
    columns: dict[str, list[Any]] = {"nombre": ["", "b"], "dia": [0, 0], "ventas": [3, 1]}
    found = coded(columns, columns["nombre"], "dia", str).table((0,), ("ventas",))
    assert named(found).names == ["b"]
    assert named(found).cells["ventas"].tolist() == [[1]]
