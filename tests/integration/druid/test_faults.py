"""Injected faults on a real Druid: its counts and rows are exactly those of the ledger."""

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from confluent_kafka import Producer

from include.druid import ledger as comparison
from include.druid.client import DruidClient
from include.druid.reconcile import IDS_AT_MOST
from include.druid.row_stats import RowStats, row_stats
from include.druid.supervisor import supervisor_spec, unfinished_tasks
from include.sales.bulk import evenly
from include.sales.event import encode
from include.sales.faults import FATES, GARBLED, FaultRates, Faults, garble
from include.stream.load import publish_load
from include.stream.session import Published
from include.waiting import wait_until
from tests.support.druid import remove_supervisor, suspend_supervisor, wait_for_rows
from tests.support.place import SEED, Place
from ventas_airflow.operators import ledger as ledger_operators
from ventas_airflow.operators.ledger import CheckLedgerOperator
from ventas_airflow.operators.reconcile import ReconcileOperator
from ventas_airflow.operators.validation import RunCheckOperator

SALES = 1200
FAULTS = Faults(SEED, FaultRates(duplicado=5, tardio=5, desordenado=10, malformado=20))
LOOKBACK = 180
"""Minutes of the look-back: the latest of the late sales is two hours late."""

#: Checks that must pass on this run, because all its oddities are injected faults.
UNHARMED = ("duplicates", "nulls", "money", "domains", "cross_fields", "lifecycle", "timestamps")


@pytest.fixture
def began() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def published(place: Place, druid: DruidClient, began: datetime) -> Iterator[Published]:
    """A run with injected faults, completely in Druid; its sales ended five minutes ago."""
    druid.submit_supervisor(
        supervisor_spec(place.config, topic=place.topic, datasource=place.topic)
    )
    start = began - timedelta(minutes=5, seconds=SALES / 4)
    with place.publisher() as publisher:
        published = publish_load(
            publisher,
            place.source(),
            sales=range(SALES),
            schedule=evenly(start, 4),
            until=began - timedelta(minutes=5),
            stop=threading.Event(),
            faults=FAULTS,
        )
    wait_for_rows(druid, place.topic, published.committed)
    yield published
    remove_supervisor(druid, place.topic)


@pytest.fixture(autouse=True)
def _patience(connections: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_operators, "_PATIENCE", 0.0)
    monkeypatch.setattr(comparison, "GRACE", timedelta(0))


def await_stats(druid: DruidClient, supervisor: str, began: datetime, total: int) -> RowStats:
    """Wait until Druid has counted `total` records, and return its counts."""
    wait_until(
        lambda: sum(row_stats(druid, supervisor, began)) == total, f"counts of {total} records", 60
    )
    return row_stats(druid, supervisor, began)


def slip_in(place: Place, *values: bytes) -> None:
    """Write to the topic without the publisher, so that the ledger has no entry."""
    producer = Producer({**place.config, "acks": "all"})
    for value in values:
        producer.produce(place.topic, value)
    assert producer.flush(20) == 0


def found(execute: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the result that a task's operator pushes, even if the task fails."""
    pushed: dict[str, Any] = {}
    context: Any = {"ti": SimpleNamespace(xcom_push=lambda key, value: pushed.update(value))}
    try:
        return dict(execute(context))
    except AirflowFailException:
        return pushed


def check_ledger(place: Place) -> dict[str, Any]:
    operator = CheckLedgerOperator(
        task_id="check_ledger",
        vm={},
        topic=place.topic,
        datasource=place.topic,
        ledger_topic=place.ledger_topic,
        lookback_minutes=LOOKBACK,
    )
    return found(operator.execute)


def run_check(place: Place, name: str) -> dict[str, Any]:
    operator = RunCheckOperator(
        task_id="run_check",
        check=name,
        window={"open": True, "reason": "es una prueba"},
        vm={},
        datasource=place.topic,
        ledger_topic=place.ledger_topic,
        lookback_minutes=LOOKBACK,
    )
    return found(operator.execute)


def reconcile(
    place: Place, published: Published, began: datetime, timeout: float = 60
) -> dict[str, Any]:
    operator = ReconcileOperator(
        task_id="reconcile",
        published=published.to_dict(),
        topic=place.topic,
        ledger_topic=place.ledger_topic,
        datasource=place.topic,
        timeout=timeout,
    )
    context: Any = {"dag_run": SimpleNamespace(run_after=began)}
    return operator.execute(context)


def test_run_with_every_injected_fault_reconciles_and_equals_the_ledger(
    place: Place,
    druid: DruidClient,
    published: Published,
    began: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    faults = published.faults
    expected = Counter[str]()
    for kind in GARBLED:
        expected[FATES[kind]] += faults[kind]

    result = reconcile(place, published, began)

    assert result["equal"]
    assert result["foreign"] == {"count": 0, "first": [], "complete": True}
    assert result["malformed"] == {
        "unparseable_expected": expected["unparseable"],
        "with_error_expected": expected["processedWithError"],
        "in_kafka": expected["unparseable"],
        "unparseable": expected["unparseable"],
        "with_error": expected["processedWithError"],
    }
    assert result["in_druid"] == published.committed
    check = check_ledger(place)
    assert check["status"] == "ok", check["message"]
    assert check["numbers"]["eventos_druid"] == published.committed
    for name in UNHARMED:
        result = run_check(place, name)
        assert result["status"] == "ok", result["message"]
    assert run_check(place, "duplicates")["numbers"]["duplicados"] == faults["duplicado"]
    # Druid shows a text in a number's place as 0 or as null, but never as both.
    lost = [run_check(place, name)["numbers"]["cantidad"] for name in ("domains", "nulls")]
    assert sum(lost) == faults["tipo_erroneo"]
    assert run_check(place, "money")["numbers"]["iva_incorrecto"] == faults["importe_absurdo"]
    assert run_check(place, "timestamps")["numbers"]["retrocesos"] > 0

    # The same again after Druid's task has ended, and by sums, as for a large run.
    suspend_supervisor(druid, place.topic)
    wait_until(lambda: not unfinished_tasks(druid.tasks(place.topic)), "the tasks' end", 300)
    monkeypatch.setattr("include.druid.reconcile.IDS_AT_MOST", 0)
    assert published.committed < IDS_AT_MOST
    ended = reconcile(place, published, began)
    assert ended["equal"]
    assert ended["malformed"]["unparseable"] == expected["unparseable"]


def test_record_unknown_to_the_ledger_is_an_error(
    place: Place, druid: DruidClient, published: Published, began: datetime
) -> None:
    event = place.source().chain(0, began - timedelta(minutes=5, seconds=SALES / 4))[0]
    slip_in(place, encode(event))
    wait_for_rows(druid, place.topic, published.committed + 1)

    check = check_ledger(place)
    assert (check["status"], check["numbers"]["diferencias"]) == ("error", 1)
    # A record without a key is not an event of the run, whatever its fields.
    named = rf"; 1 registro que el libro no conoce: partición \d offset \d+ id {event.id_evento} "
    assert re.search(named, check["message"])
    twice = run_check(place, "duplicates")
    allowed = published.faults["duplicado"]
    assert twice["status"] == "error"
    assert twice["message"] == f"duplicados = {allowed + 1}, debe ser entre 0 y {allowed}"
    with pytest.raises(AirflowFailException, match=rf"no coinciden: .* 0 perdidas, 1 dup.*{named}"):
        reconcile(place, published, began, timeout=1)


def test_each_malformed_kind_goes_to_its_expected_count(
    place: Place, druid: DruidClient, began: datetime
) -> None:
    """Records are sent one by one, so that a failure shows the kind that Druid counts otherwise."""
    event = encode(place.source().chain(0, began)[0])
    druid.submit_supervisor(
        supervisor_spec(place.config, topic=place.topic, datasource=place.topic)
    )
    try:
        before = row_stats(druid, place.topic, began)
        for kind in GARBLED:
            slip_in(place, garble(kind, event))
            after = await_stats(druid, place.topic, began, sum(before) + 1)
            assert getattr(after, FATES[kind]) == getattr(before, FATES[kind]) + 1, kind
            before = after
    finally:
        remove_supervisor(druid, place.topic)
