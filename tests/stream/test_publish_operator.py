"""The operator on a real broker, stopped by the signal that Airflow sends."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import FrameType, SimpleNamespace
from typing import Any, cast

import pytest
from airflow.sdk import Context
from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.exceptions import AirflowFailException

from include.stream.ledger import read_run
from include.stream.reader import ids_of_run
from include.waiting import wait_until
from tests.support.clock import Clock, Stop
from tests.support.place import PATIENCE, SEED, Place
from ventas_airflow.operators.publish import PublishSalesOperator
from ventas_airflow.operators.topic import EnsureTopicsOperator

HOUR = 3600.0


@pytest.fixture(autouse=True)
def _connection(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)
    connection = {"conn_type": "kafka", "extra": place.config}
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps(connection))


@pytest.fixture
def pushed() -> dict[str, Any]:
    return {}


def context_of(place: Place, pushed: dict[str, Any], run_after: datetime) -> Context:
    """Return what Airflow passes to `execute`; XComs go to `pushed`."""

    def xcom_push(key: str, value: Any) -> None:
        pushed[key] = value

    dag_run = SimpleNamespace(run_id=place.corrida, run_after=run_after)
    return cast(Context, {"dag_run": dag_run, "ti": SimpleNamespace(xcom_push=xcom_push)})


@pytest.fixture
def context(place: Place, pushed: dict[str, Any], clock: Clock) -> Context:
    return context_of(place, pushed, clock.now())


def operator(place: Place, stop: threading.Event, **arguments: Any) -> PublishSalesOperator:
    defaults: dict[str, Any] = {
        "task_id": "publicar",
        "topic": place.topic,
        "ledger_topic": place.ledger_topic,
        "seed": SEED,
        "minimum_gap": 0.1,
        "maximum_gap": 0.2,
    }
    made = PublishSalesOperator(**defaults | arguments)
    made._stop = stop
    return made


def test_window_ends_at_ends_at_and_its_result_equals_kafkas_records(
    place: Place, context: Context, clock: Clock
) -> None:
    ends_at = (clock.now() + timedelta(seconds=3)).isoformat()
    result = operator(place, Stop(clock), ends_at=ends_at, duration_minutes=60).execute(context)

    assert json.loads(json.dumps(result)) == result
    assert result["run"] == place.corrida
    assert 3 / 0.2 - 1 <= result["sales"] <= 3 / 0.1
    assert result["sent"] == result["committed"] > result["sales"]
    ids = ids_of_run(place.config, place.topic, place.corrida)
    assert (ids.times.total(), len(ids.times)) == (result["committed"],) * 2
    ledger = read_run(place.config, place.ledger_topic, place.corrida)
    assert ledger.revenue_centavos == result["revenue_centavos"]


@pytest.fixture
def stop_on_sigterm() -> Iterator[list[PublishSalesOperator]]:
    """List of operators; on SIGTERM, their `on_kill` is called, as by Airflow's task runner."""
    operators: list[PublishSalesOperator] = []

    def on_term(_number: int, _frame: FrameType | None) -> None:
        for each in operators:
            each.on_kill()

    before = signal.signal(signal.SIGTERM, on_term)
    yield operators
    signal.signal(signal.SIGTERM, before)


class NoticedWait(threading.Event):
    """A stop event that sets `waited_for` when something waits for it, in real time."""

    def __init__(self) -> None:
        super().__init__()
        self.waited_for = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.waited_for.set()
        return super().wait(timeout)


@pytest.mark.parametrize(
    ("gap", "sold"), [(0.02, True), (HOUR / 2, False)], ids=["publishing", "waiting"]
)
def test_sigterm_ends_the_task_as_failed_with_its_counts(
    place: Place,
    pushed: dict[str, Any],
    stop_on_sigterm: list[PublishSalesOperator],
    gap: float,
    sold: bool,
) -> None:
    """A stop ends the wait for the next sale, even if its signal arrives before the wait begins."""
    stop = NoticedWait()
    it = operator(place, stop, duration_minutes=30, minimum_gap=gap, maximum_gap=2 * gap)
    stop_on_sigterm.append(it)

    def terminate() -> None:
        stop.waited_for.wait()
        wait_until(lambda: not sold or place.events(), "the first event in Kafka", PATIENCE)
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGTERM)

    began = time.monotonic()
    asking = threading.Thread(target=terminate, daemon=True)
    asking.start()
    with pytest.raises(AirflowFailException, match="Detenida a pedido") as caught:
        it.execute(context_of(place, pushed, datetime.now(UTC)))
    asking.join()

    assert time.monotonic() - began < HOUR / 4
    there = ids_of_run(place.config, place.topic, place.corrida).times.total()
    assert (there > 0) == sold
    assert pushed["return_value"]["committed"] == pushed["return_value"]["sent"] == there
    assert f"{there} eventos confirmados" in str(caught.value)


def test_other_seed_stores_or_days_are_not_retried(
    place: Place, context: Context, clock: Clock
) -> None:
    """This happens, for example, if a form's default changes before the task is cleared."""
    operator(place, Stop(clock), duration_minutes=0.25).execute(context)
    choices = "began with other stores or another seconds_per_day"
    for other, told in (
        ({"seed": 8}, f"seed {SEED} .* seed 8"),
        ({"stores": ["cordoba-centro"]}, choices),
        ({"seconds_per_day": 90}, choices),
    ):
        with pytest.raises(AirflowFailException, match=told):
            operator(place, Stop(clock), duration_minutes=0.25, **other).execute(context)


def test_missing_topics_are_created_and_their_names_returned(place: Place) -> None:
    it = EnsureTopicsOperator(
        task_id="topicos",
        topics={place.topic: {"partitions": 3}, f"{place.topic}-nuevo": {"partitions": 2}},
    )
    assert it.execute({}) == [f"{place.topic}-nuevo"]
    assert it.execute({}) == []
