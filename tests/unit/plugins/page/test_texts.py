"""The page's texts: the answer with a language's texts, and every key that a view uses."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from commands.cli import main
from include import texts
from include.texts import chosen_language, table
from ventas_airflow.page import app

STATIC = app.STATIC


def keys(table: Mapping[str, Any], before: str = "") -> set[str]:
    found: set[str] = set()
    for name, value in table.items():
        path = f"{before}{name}"
        found |= keys(value, f"{path}.") if isinstance(value, Mapping) else {path}
    return found


def test_every_text_key_in_a_script_exists() -> None:
    named = {
        key
        for script in STATIC.rglob("*.js")
        for key in re.findall(r'\bt\(\s*"([\w.]+)"', script.read_text(encoding="utf-8"))
    }
    assert named
    assert named - keys(table("es")["page"]) == set()


@pytest.mark.parametrize(("asked", "answered"), [("en", "en"), ("es", "es"), ("xx", "es")])
def test_browser_gets_the_texts_of_its_language(
    reader: TestClient, asked: str, answered: str
) -> None:
    found = reader.get(f"/api/texts?language={asked}").json()
    assert found["language"] == answered
    assert found["page"] == table(answered)["page"]
    assert found["languages"] == {"es": "Español", "en": "English"}
    assert "cli" not in found


def test_viewer_without_a_choice_gets_the_chosen_language(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENTAS_LANGUAGE", "en")
    assert reader.get("/api/texts").json()["language"] == chosen_language() == "en"


def test_browser_asks_for_unchanged_texts_only_once(reader: TestClient) -> None:
    first = reader.get("/api/texts?language=es")
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = reader.get("/api/texts?language=es", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["X-Content-Type-Options"] == "nosniff"


@pytest.fixture
def new_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A copy of the texts with one more file, which has few texts yet."""
    copy = Path(shutil.copytree(texts.FOLDER, tmp_path / "texts"))
    found = {
        "language": "Português",
        "locale": "pt-BR",
        "page": {"shell": {"views": {"vivo": "Vendas ao vivo"}}},
        "page_refusal": {"filter": {"range": "O intervalo {name} não existe; existem: {known}."}},
        "cli": {"stack": {"stopped": "A stack está parada."}},
    }
    (copy / "pt.json").write_text(json.dumps(found), encoding="utf-8")
    monkeypatch.setattr(texts, "FOLDER", copy)
    texts.table.cache_clear()
    yield
    texts.table.cache_clear()


@pytest.mark.usefixtures("new_language")
def test_new_file_is_a_language_of_page_refusals_and_command_line(
    reader: TestClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    offered = reader.get("/api/texts?language=es").json()["languages"]
    assert offered == {"es": "Español", "en": "English", "pt": "Português"}
    found = reader.get("/api/texts?language=pt").json()
    assert (found["language"], found["locale"]) == ("pt", "pt-BR")
    assert found["page"]["shell"]["views"]["vivo"] == "Vendas ao vivo"
    assert found["page"]["shell"]["views"]["salud"] == "Salud", "not translated yet"

    refused = reader.get("/api/live?rango=2h", headers={"Accept-Language": "pt"})
    assert refused.json()["error"].startswith("O intervalo '2h' não existe; existem: 15m, ")

    monkeypatch.setenv("VENTAS_HOME", str(tmp_path / "stack"))
    monkeypatch.delenv("VENTAS_LANGUAGE")
    monkeypatch.setenv("LC_ALL", "pt_BR.UTF-8")
    assert main(["status"]) == 0
    assert capsys.readouterr().out == "A stack está parada.\n"


def test_page_loads_nothing_from_other_servers() -> None:
    for file in STATIC.rglob("*"):
        if file.suffix in {".js", ".css", ".html"}:
            text = file.read_text(encoding="utf-8")
            assert not re.findall(r"https?://(?!www\.w3\.org/)", text), file.name
            assert "style=" not in text or file.suffix != ".html"
