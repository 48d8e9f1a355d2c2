"""The tables of `docs/sizing.md` are those that the code computes."""

from __future__ import annotations

from include.gcp.sizing_docs import with_tables
from include.stack.settings import ROOT

PAGE = (ROOT / "docs" / "sizing.md").read_text(encoding="utf-8")


def test_tables_have_a_row_for_each_machine_and_rate() -> None:
    assert "| `n2-highmem-8` | 8 | 64 | 4096 + 5064 |" in PAGE
    assert "| 1,000,000 | 100 | 10 | 50 |" in PAGE


def test_text_around_the_tables_stays() -> None:
    changed = PAGE.replace("| `n2-highmem-8` |", "| `n2-highmem-9` |")
    assert changed != PAGE
    assert with_tables(f"before {changed} after") == f"before {PAGE} after"
