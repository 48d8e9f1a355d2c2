"""Texts by key and language."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from include import texts


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the texts of two languages, of which the second is not complete."""
    spanish = {"form": {"mode": {"title": "Modo"}, "pace": "{ventas} ventas por {unidad}"}}
    (tmp_path / "es.json").write_text(json.dumps(spanish))
    (tmp_path / "pt.json").write_text(json.dumps({"form": {"pace": "{ventas} vendas"}}))
    monkeypatch.setattr(texts, "FOLDER", tmp_path)
    texts.table.cache_clear()
    yield tmp_path
    texts.table.cache_clear()


def test_text_is_found_by_key_and_language(folder: Path) -> None:
    assert texts.text("form.pace", "es", ventas=3, unidad="hora") == "3 ventas por hora"
    assert texts.text("form.pace", "pt", ventas=3) == "3 vendas"


def test_missing_translation_falls_back_to_spanish(folder: Path) -> None:
    assert texts.text("form.mode.title", "pt") == "Modo"


@pytest.mark.parametrize("key", ["form.none", "form", "form.mode.title.none"])
def test_unknown_key_is_an_error(folder: Path, key: str) -> None:
    with pytest.raises(KeyError, match=key):
        texts.text(key, "es")


def test_new_file_is_a_new_language(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENTAS_LANGUAGE", "pt")
    assert texts.languages() == ("es", "pt")
    assert texts.text("form.pace", ventas=1) == "1 vendas"


def test_language_without_file_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENTAS_LANGUAGE", "xx")
    with pytest.raises(ValueError, match="VENTAS_LANGUAGE=xx is not one of es, pt"):
        texts.chosen_language()


def fields(table: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, frozenset[str]]]:
    """Yield each text's key with the names of its fields."""
    for name, value in table.items():
        key = f"{path}.{name}".lstrip(".")
        if isinstance(value, Mapping):
            yield from fields(value, key)
        else:
            yield key, frozenset(texts._FIELD.findall(value))


@pytest.mark.parametrize("language", texts.languages())
def test_every_language_has_the_same_keys_and_fields(language: str) -> None:
    assert dict(fields(texts.table(language))) == dict(fields(texts.table(texts.DEFAULT)))
