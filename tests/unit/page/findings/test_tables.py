"""Conversion of Druid's rows to arrays."""

import pytest

from include.page.findings import tables
from include.page.findings.tables import named, tabulate


def test_tabulate_sums_rows_by_subject_and_window() -> None:
    rows = [
        {"nombre": "b", "dia": 7, "ventas": 3, "ultima": None},
        {"nombre": "a", "dia": 0, "ventas": 2, "ultima": 99},
        {"nombre": "a", "dia": 0, "ventas": 5, "ultima": None},
        {"nombre": "c", "dia": 4, "ventas": 8, "ultima": 1},
    ]
    table = tabulate(rows, lambda r: r["nombre"], lambda r: r["dia"], (0, 7), ("ventas", "ultima"))
    assert table.names == ["b", "a"]
    assert table.cells["ventas"].tolist() == [[0, 3], [7, 0]]
    assert table.cells["ultima"].tolist() == [[0, 0], [99, 0]]


def test_tabulate_keeps_the_largest_of_too_many_subjects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST_SUBJECTS", 2)
    rows = [{"nombre": name, "ventas": sales} for name, sales in (("a", 3), ("b", 1), ("c", 9))]
    table = tabulate(rows, lambda r: r["nombre"], lambda _: 0, (0,), ("ventas",))
    assert (table.names, table.cells["ventas"].tolist()) == (["a", "c"], [[3], [9]])


def test_named_leaves_out_rows_without_a_name() -> None:
    rows = [{"nombre": "", "ventas": 3}, {"nombre": "b", "ventas": 1}]
    table = named(tabulate(rows, lambda r: r["nombre"], lambda _: 0, (0,), ("ventas",)))
    assert (table.names, table.cells["ventas"].tolist()) == (["b"], [[1]])
