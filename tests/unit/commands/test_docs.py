"""`./ventas docs` and the pages that it writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands import docs
from commands.cli import main


@pytest.mark.parametrize("page", docs.pages(), ids=lambda page: page.name)
def test_generated_page_is_up_to_date(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == docs.pages()[page], "run `./ventas docs`"


def test_docs_writes_only_pages_that_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "old.md", tmp_path / "new.md"
    old.write_text("before")
    new.write_text("after")
    monkeypatch.setattr(docs, "pages", lambda: {old: "after", new: "after"})
    assert main(["docs"]) == 0
    assert old.read_text() == "after"
    assert capsys.readouterr().out.split() == [str(old)]
