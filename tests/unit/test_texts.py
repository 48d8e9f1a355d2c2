"""Texts by key and language."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from include import texts
from include.druid.checks import load_checks
from include.druid.reconcile import reconcile
from include.page.library import load_library
from include.sales.market import load_market
from ventas_airflow.page.queries import columns as table_columns


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


@pytest.mark.parametrize(
    ("sales", "told"), [("1", "1 venta"), (2, "2 ventas"), ("1.001", "1.001 ventas")]
)
def test_word_has_the_form_of_its_number(folder: Path, sales: object, told: str) -> None:
    (folder / "es.json").write_text(json.dumps({"told": "{n} {n|venta|ventas}"}))
    assert texts.text("told", "es", n=sales) == told


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


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        (["pt_BR.UTF-8"], "pt"),
        (["fr-CA;q=0.9", " pt;q=0.8", "es"], "pt"),
        (["C.UTF-8", "POSIX", ""], None),
        (["es_AR@euro"], "es"),
    ],
)
def test_language_of_a_tag_needs_a_file(folder: Path, tags: list[str], found: str | None) -> None:
    assert texts.matching_language(*tags) == found


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({"LANG": "es_AR.UTF-8"}, "es"),
        ({"LANG": "es_AR.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LANG": "es_AR.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({}, "en"),
        ({"LANG": "es_AR.UTF-8", "VENTAS_LANGUAGE": "en"}, "en"),
    ],
)
def test_command_line_follows_the_locale_unless_a_language_is_chosen(
    variables: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "VENTAS_LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert texts.terminal_language() == language


def test_every_text_key_in_the_code_exists() -> None:
    root = Path(texts.__file__).parents[1]
    table = texts.table(texts.DEFAULT)
    known = {key for key, _ in fields(table)}
    groups = "|".join(name for name, found in table.items() if isinstance(found, Mapping))
    # A key in code may end in a part that is computed: "page_refusal.sql.too_many.{things}".
    known |= {key.rpartition(".")[0] for key in known}
    named = {
        key
        for part in ("include", "plugins", "commands", "dags")
        for file in (root / part).rglob("*.py")
        for key in re.findall(rf'"((?:{groups})\.[\w.]+\w)"', file.read_text(encoding="utf-8"))
    }
    assert len(named) > 30
    assert named - known == set()


def fields(table: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, frozenset[str]]]:
    """Yield each text's key with the names of its fields."""
    for name, value in table.items():
        key = f"{path}.{name}".lstrip(".")
        if isinstance(value, Mapping):
            yield from fields(value, key)
        else:
            yield key, frozenset(texts._FIELD.findall(value))


def test_values_of_a_terminal_text_are_in_its_language(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VENTAS_LANGUAGE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    found = reconcile("r1", 1, {"e1": 1}, {})
    told = texts.terminal_text("cli.chaos.verdict", by_ids=found, by_sums=found, changed=0)
    assert str(found) not in told, "outside of a command, Spanish"
    with texts.in_terminal_language():
        assert str(found) in told


def test_every_check_query_and_field_has_its_texts() -> None:
    parts = ("title", "description")
    checks = {f"check.{check.name}.{part}" for check in load_checks() for part in parts}
    queries = {
        query.text_key(part)
        for query in load_library()
        for part in (
            *parts,
            *(f"parameter.{parameter.name}" for parameter in query.parameters),
            *(f"column.{column.name}" for column in query.columns),
        )
    }
    columns = {f"page.queries.fields.{column['name']}" for column in table_columns()["columns"]}
    needed = checks | queries | columns
    groups = ("check.", "page.library.", "page.queries.fields.")
    written = {key for key, _ in fields(texts.table(texts.DEFAULT)) if key.startswith(groups)}
    assert sorted(needed - written) == [], "texts/*.json lacks these keys"
    assert sorted(written - needed) == [], "nothing uses these keys of texts/*.json"
    for key, language in product(needed, texts.languages()):
        assert texts.text(key, language), f"{key} is empty in texts/{language}.json"


def test_every_name_for_people_belongs_to_a_value_of_the_market() -> None:
    market = load_market()
    values = {
        "pago": {row.tipo_pago for row in market.payments},
        "motivo": {row.motivo for row in market.rejections},
        "incidente": {row.incidente for row in market.incidents},
    }
    names = texts.table(texts.DEFAULT)["page"]["live"]["values"]
    # A new value needs no text: it is shown itself.
    assert {field: names[field].keys() - known for field, known in values.items()} == {
        field: set() for field in values
    }


@pytest.mark.parametrize("language", texts.languages())
def test_every_language_has_the_same_keys_and_fields(language: str) -> None:
    own = json.loads((texts.FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    assert re.fullmatch("[a-z]{2,3}(-[A-Z]{2})?", own["locale"])
    assert dict(fields(own)) == dict(fields(texts.table(texts.DEFAULT)))
