"""The operator on a real broker, stopped by the signal that Airflow sends."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import FrameType, SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.exceptions import AirflowFailException

from include.stream.ledger import read_run
from include.stream.reader import ids_of_run
from tests.integration.stream.place import SEED, Place
from ventas_airflow.operators.publish import PublishSalesOperator
from ventas_airflow.operators.topic import EnsureTopicsOperator

STOP_LIMIT = 5.0


@pytest.fixture(autouse=True)
def _connection(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)
    connection = {"conn_type": "kafka", "extra": place.config}
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps(connection))


@pytest.fixture
def pushed() -> dict[str, Any]:
    return {}


@pytest.fixture
def context(place: Place, pushed: dict[str, Any]) -> dict[str, Any]:
    def xcom_push(key: str, value: Any) -> None:
        pushed[key] = value

    return {
        "dag_run": SimpleNamespace(run_id=place.corrida, run_after=datetime.now(UTC)),
        "ti": SimpleNamespace(xcom_push=xcom_push),
    }


def operator(place: Place, **arguments: Any) -> PublishSalesOperator:
    defaults = {
        "task_id": "publicar",
        "topic": place.topic,
        "ledger_topic": place.ledger_topic,
        "seed": SEED,
        "minimum_gap": 0.02,
        "maximum_gap": 0.05,
    }
    return PublishSalesOperator(**defaults | arguments)


def test_the_window_ends_at_ends_at_and_its_result_is_what_kafka_holds(
    place: Place, context: dict[str, Any]
) -> None:
    ends_at = (datetime.now(UTC) + timedelta(seconds=6)).isoformat()
    result = operator(place, ends_at=ends_at, duration_minutes=60).execute(context)

    assert json.loads(json.dumps(result)) == result
    assert result["corrida"] == place.corrida
    assert result["enviadas"] == result["confirmadas"] > 5
    ids = ids_of_run(place.config, place.topic, place.corrida)
    assert (ids.times.total(), len(ids.times)) == (result["confirmadas"],) * 2
    ledger = read_run(place.config, place.ledger_topic, place.corrida)
    assert ledger.revenue_centavos == result["facturado_centavos"]


@pytest.fixture
def stop_on_sigterm() -> Iterator[list[PublishSalesOperator]]:
    """Calls `on_kill` of the operators in it as Airflow's task runner does."""
    operators: list[PublishSalesOperator] = []

    def on_term(_number: int, _frame: FrameType | None) -> None:
        for each in operators:
            each.on_kill()

    before = signal.signal(signal.SIGTERM, on_term)
    yield operators
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("gap", [0.02, 120], ids=["publishing", "waiting"])
def test_a_sigterm_ends_the_task_as_failed_with_its_counts(
    place: Place,
    context: dict[str, Any],
    pushed: dict[str, Any],
    stop_on_sigterm: list[PublishSalesOperator],
    gap: float,
) -> None:
    it = operator(place, duration_minutes=30, minimum_gap=gap, maximum_gap=2 * gap)
    stop_on_sigterm.append(it)
    asked: list[float] = []

    def terminate() -> None:
        asked.append(time.monotonic())
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Timer(2, terminate).start()
    with pytest.raises(AirflowFailException, match="Detenida a pedido") as caught:
        it.execute(context)

    assert time.monotonic() - asked[0] < STOP_LIMIT
    there = ids_of_run(place.config, place.topic, place.corrida).times.total()
    assert pushed["return_value"]["confirmadas"] == there
    assert f"{there} eventos confirmados" in str(caught.value)


def test_another_seed_is_not_retried(place: Place, context: dict[str, Any]) -> None:
    operator(place, duration_minutes=0.02).execute(context)
    with pytest.raises(AirflowFailException, match=f"seed {SEED} .* seed 8"):
        operator(place, duration_minutes=0.02, seed=8).execute(context)


@pytest.mark.parametrize("other", [{"stores": ["cordoba-centro"]}, {"seconds_per_day": 90}])
def test_other_stores_or_days_are_not_retried(
    place: Place, context: dict[str, Any], other: dict[str, Any]
) -> None:
    """A form's default that was changed before the task was cleared, for example."""
    operator(place, duration_minutes=0.02).execute(context)
    with pytest.raises(AirflowFailException, match="begun with other stores, or another length"):
        operator(place, duration_minutes=0.02, **other).execute(context)


def test_missing_topics_are_created_and_named(place: Place) -> None:
    it = EnsureTopicsOperator(
        task_id="topicos",
        topics={place.topic: {"partitions": 3}, f"{place.topic}-nuevo": {"partitions": 2}},
    )
    assert it.execute({}) == [f"{place.topic}-nuevo"]
    assert it.execute({}) == []
