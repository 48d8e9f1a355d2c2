"""«¿Qué habría pasado?»: the route for a window with and without its incidents."""

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from include.names import LEDGER_TOPIC, TOPIC
from include.sales.bulk import evenly
from include.sales.content import SaleSource
from include.sales.event import format_ts
from include.sales.incidents import Plan
from include.sales.local_time import epoch_ms
from include.sales.market import load_market
from include.stream.ledger import read_run
from include.stream.load import publish_load
from include.stream.session import WindowStoppedError
from tests.support.memory_kafka import NOON, MemoryKafka, publish, publisher_of
from ventas_airflow.page import what_if
from ventas_airflow.page.answer_cache import AnswerCache

MARKET = load_market()
MINUTES = 4
LINES = ["promocion; qr; 25; 0.5; 10", "", "menos_ventas; ; 60; 1; 2"]
MOMENTS = epoch_ms(NOON) + np.arange(1, 1000 * 60 * MINUTES, 2500)
DEFAULTS = {"mode": "cadence", "duration_minutes": 10, "seconds_per_day": 5, "incidents": None}


def source(*stores: str) -> SaleSource:
    return SaleSource(MARKET, 7, "r1", stores, 5)


def run(**changes: Any) -> dict[str, Any]:
    """Return a window as the browser sends it."""
    conf = {"incidents": LINES, "stores": None, "duration_minutes": MINUTES}
    names = {"dag_id": "sales_window", "dag_run_id": "r1", "run_type": "manual"}
    return {
        **names,
        "state": "success",
        "run_after": format_ts(NOON),
        **changes,
        "conf": {**conf, **changes.get("conf", {})},
    }


Ask = Callable[..., Any]
Sell = Callable[..., Any]


@pytest.fixture
def ask(reader: TestClient, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Function that asks for a comparison; no answer is kept."""
    connection = {"conn_type": "kafka", "extra": {"bootstrap.servers": "127.0.0.1:1"}}
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps(connection))

    def post(**asked: Any) -> Any:
        monkeypatch.setattr(what_if, "_shared", AnswerCache())
        with reader:
            return reader.post("/api/what-if", json={"run": run(), "defaults": DEFAULTS, **asked})

    return post


@pytest.fixture
def sell(monkeypatch: pytest.MonkeyPatch) -> Sell:
    """Function that publishes a window with some incidents, and returns its ledger's sums."""

    def window(*lines: str, stop_at: int | None = None) -> tuple[MemoryKafka, Any]:
        incidents = [Plan.read(line, MARKET).begun(NOON) for line in lines]
        end, kafka = NOON + timedelta(minutes=MINUTES), MemoryKafka()
        return kafka, publish(
            kafka, source(), MOMENTS, end, incidents, monkeypatch, stop_at=stop_at
        )

    return window


@pytest.mark.parametrize(("without", "left"), [(None, []), (0, [LINES[2]]), (1, [LINES[0]])])
def test_answer_has_the_revenue_of_the_ledgers_with_and_without_an_incident(
    ask: Ask, sell: Sell, without: int | None, left: list[str]
) -> None:
    _, other = sell(*left)
    _, planted = sell(LINES[0], LINES[2])
    found = ask(without=without).json()
    assert [it["tipo"] for it in found["incidents"]] == ["promocion", "menos_ventas"]
    assert found["equal"]
    assert (found["first_ts"], found["last_ts"]) == (planted.first_ts, planted.last_ts)
    total = found["comparison"]["total"]
    for side, ledger in (("planted", planted), ("without", other)):
        assert total[side]["sales"] == ledger.sales
        approved = ledger.by_state["aprobada"]
        assert total[side]["revenue_centavos"] == approved.importe_centavos
        assert total[side]["discount_centavos"] == approved.descuento_centavos
    assert total["planted"] != total["without"]
    for pairs in found["comparison"]["fields"].values():
        change = sum(
            pair["planted"]["revenue_centavos"] - pair["without"]["revenue_centavos"]
            for pair in pairs
        )
        assert change == total["planted"]["revenue_centavos"] - total["without"]["revenue_centavos"]


@pytest.mark.parametrize("lines", [[], [LINES[0]]])
def test_window_is_compared_with_one_that_has_another_incident(
    ask: Ask, sell: Sell, lines: list[str]
) -> None:
    # The form's minutes count from the beginning, or else from the first sale, 1 ms after it.
    _, planted = sell(*lines, "menos_ventas; ; 60; 0; 60")
    _, sold = sell(*lines)
    found = ask(run=run(conf={"incidents": lines}), also="menos_ventas; ; 60; 0; 60").json()
    assert [it["tipo"] for it in found["changing"]] == ["menos_ventas"]
    assert found["equal"]
    total = found["comparison"]["total"]
    assert (total["planted"]["sales"], total["without"]["sales"]) == (planted.sales, sold.sales)
    assert planted.sales < sold.sales


def test_load_is_compared_up_to_the_end_of_its_simulated_clock(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    end, ledgers = NOON + timedelta(seconds=60), []
    for lines in ([], LINES[:1]):
        kafka = MemoryKafka()
        publish_load(
            publisher_of(kafka, source(), monkeypatch),
            source().with_incidents([Plan.read(line, MARKET).begun(NOON) for line in lines]),
            sales=range(600),
            schedule=evenly(NOON, 10),
            until=end,
            stop=threading.Event(),
        )
        ledgers.append(read_run({}, LEDGER_TOPIC, "r1"))
    conf = {"mode": "load", "incidents": LINES[:1]}
    found = ask(run=run(run_after=format_ts(end), conf=conf)).json()
    assert found["equal"]
    total = found["comparison"]["total"]
    for side, ledger in zip(("without", "planted"), ledgers, strict=True):
        assert total[side]["revenue_centavos"] == ledger.by_state["aprobada"].importe_centavos
    assert total["planted"] != total["without"]


def test_window_that_was_stopped_is_compared_and_differs_from_the_ledger(
    ask: Ask, sell: Sell
) -> None:
    with pytest.raises(WindowStoppedError):
        sell(LINES[0], stop_at=100)
    found = ask().json()
    assert found["equal"] is False
    assert found["comparison"]["total"]["planted"]["sales"] > 10


def test_window_that_cannot_be_compared_is_refused_in_a_sentence(
    ask: Ask, sell: Sell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**asked: Any) -> str:
        answer = ask(**asked)
        assert (answer.status_code, answer.json()["code"]) == (400, "input")
        return str(answer.json()["error"])

    sell()
    assert refused().startswith("Esta ventana no tuvo incidentes de negocio")
    assert "no hay ningún tipo «terremoto»" in refused(also="terremoto")
    kafka, _ = sell(LINES[0])
    assert "otras sucursales" in refused(run=run(conf={"stores": ["palermo"]}))
    kafka.records.remove(next(record for record in kafka.records if record[0] == TOPIC))
    assert "Kafka ya no tiene las ventas" in refused()
    monkeypatch.setattr(what_if, "MOST_SALES", 10)
    assert refused().endswith("hasta 10.")


@pytest.mark.parametrize(
    "asked",
    [
        {"run": {}},
        {"without": "first"},
        {"run": run(conf={"stores": ["atlantis"]})},
        {"run": run(conf={"stores": 7})},
        {"run": run(conf={"seconds_per_day": 0})},
        {"run": run(conf={"incidents": 7})},
        {"run": run(run_after="0001-01-01T00:00:00Z")},
        {"also": "x" * 401},
    ],
)
def test_wrong_body_answers_422(ask: Ask, sell: Sell, asked: dict[str, Any]) -> None:
    sell(LINES[0])
    assert ask(**asked).status_code == 422


def test_unreachable_kafka_answers_503(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(what_if, "TIME_LIMIT", 0.1)
    answer = ask()
    assert (answer.status_code, answer.json()["code"]) == (503, "kafka")
