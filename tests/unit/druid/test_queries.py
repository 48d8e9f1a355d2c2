"""The .sql files: only the name of a datasource is ever inserted into their text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.druid.queries import SQL, for_datasource, read_query
from include.stack.settings import ROOT

FILES = sorted([*SQL.rglob("*.sql"), *(ROOT / "include" / "page" / "sql").rglob("*.sql")])

MARKS = "\"'`;,()/*\\ \t\n"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_query_has_only_the_datasource_as_placeholder(file: Path) -> None:
    text = read_query(file, "otra_fuente")
    assert "{datasource}" not in text
    assert "{{" not in text


@given(name=st.from_regex(r"[A-Za-z][A-Za-z0-9_.-]{0,20}", fullmatch=True))
def test_valid_name_is_inserted_unchanged(name: str) -> None:
    assert for_datasource('FROM "{datasource}"', name) == f'FROM "{name}"'


@given(name=st.text(max_size=20).filter(lambda text: not text.isascii() or set(text) & set(MARKS)))
def test_text_with_marks_or_without_ascii_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="A datasource cannot have the name"):
        for_datasource("{datasource}", name)


@pytest.mark.parametrize("name", ['v" WHERE 1=1 --', "", "1ventas", "ventas\n", "ñandú", "a" * 129])
def test_invalid_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="A datasource cannot have the name"):
        read_query(FILES[0], name)
