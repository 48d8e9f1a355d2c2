"""Load and back-fill on a real broker, as their tasks run them."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.bases.operator import ExecutorSafeguard

from include.sales.backfill import Day, day_arrivals
from include.sales.demand import Demand
from include.sales.market import load_market
from include.stream.ledger import read_sums
from tests.support.place import SEED, Place
from ventas_airflow.operators.backfill import FillDaysOperator
from ventas_airflow.operators.load import LoadSalesOperator, PlanLoadOperator

SALES = 10_000
Run = Callable[[Any], Any]


@pytest.fixture
def pushed() -> list[tuple[str, Any]]:
    return []


@pytest.fixture
def run(place: Place, pushed: list[tuple[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Function that executes an operator as a task of the run `place.corrida`."""
    monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)
    connection = {"conn_type": "kafka", "extra": place.config}
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps(connection))
    context: Any = {
        "dag_run": SimpleNamespace(run_id=place.corrida, run_after=datetime.now(UTC)),
        "ti": SimpleNamespace(xcom_push=lambda key, value: pushed.append((key, value))),
    }
    return lambda operator: operator.execute(context)


def into(place: Place, **arguments: Any) -> dict[str, Any]:
    topics = {"topic": place.topic, "ledger_topic": place.ledger_topic}
    return {"task_id": "t", "seed": SEED, **topics, **arguments}


@pytest.mark.parametrize("shards", [1, 2])
def test_load_publishes_the_same_events_for_any_number_of_shards(
    place: Place, run: Run, pushed: list[tuple[str, Any]], shards: int
) -> None:
    plan = PlanLoadOperator(task_id="p", seed=SEED, mode="load", sales=SALES, shards=shards)
    published = [
        run(LoadSalesOperator(**into(place, shard=shard, sales=SALES))) for shard in run(plan)
    ]

    assert len(published) == shards
    found = place.events()
    now = datetime.now(UTC)
    assert all(datetime.fromisoformat(event.ts) < now for event in found)
    assert sum(one["committed"] for one in published) == len(found)
    begun = [event.secuencia for event in found if event.estado == "pendiente"]
    assert sorted(begun) == list(range(SALES))
    source = place.source()
    began = {e.secuencia: datetime.fromisoformat(e.ts) for e in found if e.estado == "pendiente"}
    for event in found[:200]:
        assert event in source.chain(event.secuencia, began[event.secuencia])
    assert [value["sales"] for key, value in pushed if key == "progress"] == [
        one["sales"] for one in published
    ]


def test_day_filled_again_adds_nothing(place: Place, run: Run) -> None:
    day = Day(date(2026, 11, 20))
    planned = {"day": "2026-11-20", "until": day.end.isoformat(), "incidents": []}
    arguments = into(place, days=[planned], scale=0.05)

    [first] = run(FillDaysOperator(**arguments))
    [again] = run(FillDaysOperator(**arguments))

    expected = day_arrivals(Demand(load_market()), SEED, day, 0.05, day.end).tolist()
    found = place.events()
    begun = [event for event in found if event.estado == "pendiente"]
    assert [
        round(datetime.fromisoformat(e.ts).timestamp() * 1000)
        for e in sorted(begun, key=lambda event: event.secuencia)
    ] == expected
    assert all(datetime.fromisoformat(event.ts) < day.end for event in found)
    assert first["committed"] == again["committed"] == len(found)
    assert again["resumed_at"] == first["sales"] == len(expected)
    sums = read_sums(place.config, place.ledger_topic, [first["run"]])
    assert sum(of.eventos for of in sums.values()) == len(found)
