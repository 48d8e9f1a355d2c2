"""The .sql files: only the name of a datasource is ever inserted into their text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.druid.queries import FOLDER, for_datasource, read_query

FILES = sorted(
    file.relative_to(FOLDER).with_suffix("").as_posix() for file in FOLDER.rglob("*.sql")
)

MARKS = "\"'`;,()/*\\ \t\n"


@pytest.mark.parametrize("name", FILES)
def test_every_query_has_only_the_datasource_as_placeholder(name: str) -> None:
    text = read_query(name, "otra_fuente")
    assert "{datasource}" not in text
    assert "{{" not in text


@given(name=st.from_regex(r"[A-Za-z][A-Za-z0-9_.-]{0,20}", fullmatch=True))
def test_valid_name_is_inserted_unchanged(name: str) -> None:
    assert for_datasource('FROM "{datasource}"', name) == f'FROM "{name}"'


@given(name=st.text(max_size=20).filter(lambda text: not text.isascii() or set(text) & set(MARKS)))
def test_text_with_marks_or_without_ascii_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no name of a datasource"):
        for_datasource("{datasource}", name)


@pytest.mark.parametrize("name", ['v" WHERE 1=1 --', "", "1ventas", "ventas\n", "ñandú", "a" * 129])
def test_invalid_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no name of a datasource"):
        read_query("reconcile/ids", name)
