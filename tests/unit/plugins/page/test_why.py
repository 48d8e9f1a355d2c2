"""«¿Por qué cambió?»: the explanation that the browser gets, and the texts for all of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, get_args

import msgspec
import pytest
from fastapi.testclient import TestClient

from commands.score.local_druid import LocalDruid
from include.page.filters import Filters
from include.page.why.explain import comparisons
from include.page.why.figures import FIGURES, Effect
from include.sales.content import SaleSource
from include.sales.event import Venta
from include.sales.local_time import epoch_ms
from include.sales.market import load_market
from include.texts import languages, table
from tests.support.findings import NOW, ms
from ventas_airflow.page import why as module
from ventas_airflow.page.answer_cache import AnswerCache

ASKED = "rango=1h&hasta=2026-09-29T12:00:00-03:00"


class Sold:
    """Druid with the sales of two hours, one without a store; it records the parameters asked."""

    def __init__(self) -> None:
        source = SaleSource(load_market(), 3, "por qué")
        self.asked: list[list[Any]] = []
        self.sales: list[Venta] = [
            event
            for n in range(800)
            for event in source.chain(
                n, NOW - timedelta(hours=2, seconds=30) + timedelta(seconds=9 * n)
            )
            if event.sucursal != "San Justo" or ms(event) < epoch_ms(NOW - timedelta(hours=1))
        ]

    def sql(self, query: str, parameters: list[Any], *, timeout: float) -> list[dict[str, Any]]:
        assert timeout <= 30
        self.asked.append(parameters)
        # SQLite is used only in the thread that opened it.
        druid = LocalDruid()
        druid.load((ms(it), {**msgspec.structs.asdict(it), "__time": ms(it)}) for it in self.sales)
        druid.now = epoch_ms(NOW)
        return druid.sql(query, parameters)


@pytest.fixture
def sold(monkeypatch: pytest.MonkeyPatch) -> Sold:
    found = Sold()
    monkeypatch.setattr(module, "druid", lambda: found)
    monkeypatch.setattr(module, "_shared", AnswerCache(clock=lambda: 0.0))
    return found


@pytest.fixture
def asked(reader: TestClient, sold: Sold) -> Callable[[str], dict[str, Any]]:
    def ask(query: str) -> dict[str, Any]:
        with reader:
            answer = reader.get(f"/api/why?{query}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    return ask


def test_explanation_has_figures_effects_causes_and_their_queries(
    asked: Callable[[str], dict[str, Any]],
) -> None:
    found = asked(ASKED)
    assert set(found["figures"]) == set(FIGURES)
    assert found["comparisons"] == ["before", "yesterday", "week"]
    sales = found["figures"]["sales"]
    assert [cause["subject"] for cause in sales["causes"]] == [{"sucursal": "San Justo"}]
    assert (sales["causes"][0]["now"]["sales"], sales["counted"]) == (0, "sales")
    assert "sucursal=San Justo" in found["queries"]
    for figure in found["figures"].values():
        for split in figure["splits"]:
            assert "&".join(f"{name}=" for name in split["dimension"]) in found["queries"]
    for query in found["queries"].values():
        assert query["sql"].count("?") == len(query["parameters"])


def test_explanation_is_shared_by_requests_with_the_same_filters_and_comparison(
    asked: Callable[[str], dict[str, Any]], sold: Sold
) -> None:
    first = asked(ASKED)
    assert asked(f"{ASKED}&contra=before") == first
    assert len(sold.asked) == 4
    asked(f"{ASKED}&contra=yesterday")
    asked(f"{ASKED}&provincia=Salta")
    assert len(sold.asked) == 12
    assert sold.asked[-1][-1] == "Salta"


@pytest.mark.parametrize("query", ["tienda=x", "contra=siempre", "rango=30d&contra=week"])
def test_unknown_filter_or_comparison_answers_400(
    reader: TestClient, sold: Sold, query: str
) -> None:
    answer = reader.get(f"/api/why?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "input")


def test_unreachable_druid_answers_503(reader: TestClient) -> None:
    answer = reader.get("/api/why?provincia=Chaco")
    assert (answer.status_code, answer.json()["code"]) == (503, "unreachable")


@pytest.mark.parametrize("language", languages())
def test_texts_cover_exactly_the_figures_effects_and_comparisons(language: str) -> None:
    texts = table(language)["page"]["why"]
    assert set(texts["figures"]) == set(texts["told"]) == set(FIGURES)
    assert set(texts["effects"]) - {"title"} == set(texts["because"]) == {*get_args(Effect)}
    factors = {*get_args(Effect)} - {"volume", "returns"} | {"refunds", "chargebacks"}
    assert set(texts["causes"]) == {"title", "note", *factors}
    assert set(texts["numbers"]) == factors
    assert set(texts["counted"]) == {figure.columns[0] for figure in FIGURES.values()}
    assert set(comparisons(Filters())) == {"before", "yesterday", "week"}
