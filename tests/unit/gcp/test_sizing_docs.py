"""The tables of `docs/sizing.md` are those that the code computes."""

from __future__ import annotations

from include.gcp.sizing_docs import DOCS, with_tables


def test_tables_of_the_page_are_current() -> None:
    page = DOCS.read_text(encoding="utf-8")
    assert page == with_tables(page), "run `python -m include.gcp.sizing_docs`"
    assert "| `n2-highmem-8` | 8 | 64 | 4096 + 5064 |" in page
    assert "| 1,000,000 | 100 | 10 | 50 |" in page


def test_text_around_the_tables_stays() -> None:
    page = DOCS.read_text(encoding="utf-8")
    changed = page.replace("| `n2-highmem-8` |", "| `n2-highmem-9` |")
    assert changed != page
    assert with_tables(f"before {changed} after") == f"before {page} after"
