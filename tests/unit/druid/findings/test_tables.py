"""Rows as arrays."""

from include.druid.findings.tables import tabulate


def test_a_row_a_subject_a_column_a_window() -> None:
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
