"""Routes of «Explorar»."""

from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from include.sales.content import SaleSource
from include.sales.market import load_market
from tests.support.sold_events import SoldEvents
from ventas_airflow.page import explore
from ventas_airflow.page.answer_cache import AnswerCache


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explore, "_shared", AnswerCache())


@pytest.fixture
def druid(monkeypatch: pytest.MonkeyPatch) -> SoldEvents:
    """A Druid with a sale ten minutes old."""
    source = SaleSource(load_market(), seed=7, corrida="prueba")
    found = SoldEvents(source.chain(0, datetime.now(UTC) - timedelta(minutes=10))[:1])
    monkeypatch.setattr(explore, "druid", lambda: found)
    return found


def test_split_is_answered_once_for_viewers_who_ask_the_same(
    reader: TestClient, druid: SoldEvents
) -> None:
    with reader:
        found = reader.get("/api/explore?medida=ventas&por=dia_de_semana&contra=semana").json()
        assert (
            reader.get("/api/explore?contra=semana&por=dia_de_semana&medida=ventas").json() == found
        )
    assert found["total"] == [1, None, 0]
    assert found["axes"][0]["values"] == [*range(7)]
    assert len(druid.asked) == 2


def test_bad_parameter_is_refused_with_one_sentence_in_the_viewers_language(
    reader: TestClient, druid: SoldEvents
) -> None:
    with reader:
        answer = reader.get("/api/explore?medida=x", headers={"Accept-Language": "en"})
    assert answer.status_code == 400
    assert answer.json()["code"] == "input"
    assert answer.json()["error"].startswith("There is no measure 'x'; there are: ventas, ")
    assert not druid.asked


def test_choices_name_measures_dimensions_and_comparisons(reader: TestClient) -> None:
    with reader:
        found = reader.get("/api/explore/choices").json()
    assert found["measures"][0] == "ventas"
    assert found["dimensions"]["hora_del_dia"] == "hour"
    assert found["against"] == ["anterior", "semana"]


def test_druid_that_is_away_is_told(reader: TestClient) -> None:
    with reader:
        answer = reader.get("/api/explore")
    assert (answer.status_code, answer.json()["code"]) == (503, "unreachable")


def test_visitor_without_a_login_gets_no_split(app: FastAPI) -> None:
    assert TestClient(app).get("/api/explore").status_code == 401
