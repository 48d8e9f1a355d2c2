"""The page's texts: the same keys in both languages, and every key that a view uses."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ventas_airflow.page import app

STATIC = app.STATIC
FILES = sorted((STATIC / "texts").glob("*.json"))


def keys(texts: dict[str, Any], before: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in texts.items():
        path = f"{before}{name}"
        found |= keys(value, f"{path}.") if isinstance(value, dict) else {path: value}
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_both_languages_have_the_same_keys_and_placeholders(file: Path) -> None:
    texts = json.loads(file.read_text(encoding="utf-8"))
    spanish, english = keys(texts["es"]), keys(texts["en"])
    assert spanish.keys() == english.keys()
    for key, text in spanish.items():
        names = re.compile(r"\{(\w+)\}")
        assert set(names.findall(text)) == set(names.findall(english[key])), key


def test_every_text_key_in_a_script_exists() -> None:
    known = {
        f"{file.stem}.{key}"
        for file in FILES
        for key in keys(json.loads(file.read_text(encoding="utf-8"))["es"])
    }
    named = {
        key
        for script in STATIC.rglob("*.js")
        for key in re.findall(r'\bt\(\s*"([\w.]+)"', script.read_text(encoding="utf-8"))
    }
    assert named
    assert named - known == set()


def test_page_loads_nothing_from_other_servers() -> None:
    for file in STATIC.rglob("*"):
        if file.suffix in {".js", ".css", ".html"}:
            text = file.read_text(encoding="utf-8")
            assert not re.findall(r"https?://(?!www\.w3\.org/)", text), file.name
            assert "style=" not in text or file.suffix != ".html"
