"""`./ventas docs` and the files that it writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands import docs, event_sql, image_locks
from commands.cli import main
from include.stack.settings import ROOT

WRITTEN = {**event_sql.files(), **docs.pages(), **image_locks.files()}


@pytest.mark.parametrize("file", WRITTEN, ids=lambda file: str(file.relative_to(ROOT)))
def test_written_file_is_up_to_date(file: Path) -> None:
    assert file.read_text(encoding="utf-8") == WRITTEN[file], "run `./ventas docs`"


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
