"""CONTRIBUTING.md's table of changes; its rows and the performed changes agree by `Change`."""

from __future__ import annotations

import pytest

from tests.changes.change import Row, read_table

TABLE = read_table()


@pytest.mark.parametrize("row", TABLE.values(), ids=list(TABLE))
def test_row_names_one_to_three_files(row: Row) -> None:
    assert 1 <= len(row.files) <= 3
    assert len(row.files) + len(row.others) <= 3


def test_most_changes_edit_one_or_two_files() -> None:
    few = [name for name, row in TABLE.items() if len(row.files) <= 2]
    assert len(few) >= 0.7 * len(TABLE) >= 14
