"""Hostile records among honest sales, on a real Kafka and Druid: every view of the page answers,
and no honest sale is lost.

The views are those of the page's own app, with the test's datasource and topics.
"""

import asyncio
import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowSkipException
from confluent_kafka import Producer
from fastapi.testclient import TestClient

from include.druid import ledger as comparison
from include.druid.checks import CheckResult, load_checks
from include.druid.client import DruidClient
from include.druid.queries import for_datasource
from include.druid.row_stats import RowStats, row_stats
from include.druid.supervisor import Expected, supervisor_spec, unsettled
from include.page.filters import COLUMNS, RANGES
from include.page.findings.report import KINDS
from include.page.library import load_library
from include.page.overview import Memory
from include.sales.content import SaleSource
from include.sales.event import Venta, format_ts
from include.sales.market import load_market
from include.stream.foreign import MOST_NAMED, foreign_records
from include.stream.publisher import SalePublisher
from include.stream.tail import MOST
from include.stream.topics import ensure_topic
from include.waiting import wait_until
from tests.support.druid import remove_supervisor, suspend_supervisor, wait_for_rows
from tests.support.hostile_events import HostileRecord, hostile_records
from ventas_airflow.operators import ledger as ledger_operators
from ventas_airflow.operators.ledger import CheckLedgerOperator
from ventas_airflow.operators.reconcile import ReconcileOperator
from ventas_airflow.operators.validation import RunCheckOperator
from ventas_airflow.page import findings, health, live, queries, windows_reader
from ventas_airflow.page.access import can_read, can_run, viewer
from ventas_airflow.page.answer_cache import AnswerCache
from ventas_airflow.page.app import create_app
from ventas_airflow.page.services import Viewer
from ventas_airflow.page.windows_reader import WindowsReader

#: Sales per hour, in the last day and in the same hours of earlier days, which findings need.
PER_HOUR = 20
EARLIER_DAYS = (7, 14)
OPEN = {"open": True, "reason": "es una prueba"}

HOSTILE_STORE = load_market().stores[0]

SUMS = """
SELECT COUNT(*) AS n, COUNT(DISTINCT id_evento) AS ids, SUM(cantidad) AS cantidad,
  SUM(importe_centavos) AS importe_centavos, SUM(iva_centavos) AS iva_centavos
FROM "{datasource}" WHERE corrida = ?
"""

#: Bytes of the largest record that Kafka accepts by default.
LARGEST = 1_048_000


SEED = 13
PARTITIONS = 3


class Place(NamedTuple):
    """A topic, its ledger topic, and the honest run; the datasource has the topic's name."""

    config: dict[str, str]
    topic: str
    ledger_topic: str
    corrida: str


class Attacked(NamedTuple):
    """A place with its honest and hostile records."""

    place: Place
    honest: list[Venta]
    hostile: list[HostileRecord]
    stats: RowStats
    """Druid's counts of all records."""


@pytest.fixture(scope="module")
def attacked(kafka_config: dict[str, str], druid: DruidClient) -> Iterator[Attacked]:
    """A topic with hostile records between two halves of the honest sales, all read by Druid."""
    topic = f"ataque-{uuid.uuid4().hex[:8]}"
    place = Place(kafka_config, topic, f"{topic}.ledger", f"corrida {topic}")
    for name in (place.topic, place.ledger_topic):
        ensure_topic(kafka_config, name, partitions=PARTITIONS, timeout=120)
    began = datetime.now(UTC)
    druid.submit_supervisor(
        supervisor_spec(place.config, topic=place.topic, datasource=place.topic)
    )
    honest = honest_events(place, began)
    # All hostile sales are in one store, so the figures of other stores are only honest sales.
    source = SaleSource(load_market(), SEED, "hostil", stores=[HOSTILE_STORE.id])
    hostile = hostile_records(
        lambda n: source.chain(n, began - timedelta(seconds=300 + n))[0], began
    )
    half = len(honest) // 2
    with SalePublisher(
        kafka_config,
        place.corrida,
        seed=SEED,
        transactional_id=topic,
        delivery_timeout=120,
        topic=topic,
        ledger_topic=place.ledger_topic,
    ) as publisher:
        publisher.open()
        publish(publisher, honest[:half])
        send(place, hostile)
        publish(publisher, honest[half:])

    def read() -> bool:
        return sum(row_stats(druid, place.topic, began)) >= len(honest) + objects(hostile)

    wait_until(read, "Druid to read all records", 180)
    yield Attacked(place, honest, hostile, row_stats(druid, place.topic, began))
    remove_supervisor(druid, place.topic)


def honest_events(place: Place, now: datetime) -> list[Venta]:
    """Return all events of sales in the last day and in the same three hours of earlier days.

    They end a minute ago, because no check judges the last seconds.
    """
    step, end = timedelta(hours=1) / PER_HOUR, now - timedelta(minutes=1)
    moments = [end - step * n for n in range(24 * PER_HOUR)]
    for day in EARLIER_DAYS:
        moments += [end - timedelta(days=day) - step * n for n in range(3 * PER_HOUR)]
    source = SaleSource(load_market(), SEED, place.corrida)
    return [
        event
        for n, moment in enumerate(sorted(moments))
        for event in source.chain(n, moment)
        if event.ts < format_ts(end)
    ]


def publish(publisher: SalePublisher, events: list[Venta]) -> None:
    for first in range(0, len(events), 300):
        publisher.commit(events[first : first + 300])


def send(place: Place, records: list[HostileRecord]) -> None:
    producer = Producer({**place.config, "acks": "all", "message.max.bytes": LARGEST})
    for number, record in enumerate(records):
        producer.produce(
            place.topic,
            record.value,
            record.key,
            partition=number % PARTITIONS,
            timestamp=record.timestamp,
        )
    assert producer.flush(120) == 0


def objects(records: list[HostileRecord]) -> int:
    """Return Druid's count of the records: one each, but two for the record with two events."""
    return len(records) + sum(record.name == "two events in one record" for record in records)


async def stays() -> None:
    """Wait for ever, as a viewer who keeps the connection open."""
    await asyncio.Event().wait()


@pytest.fixture
def page(
    connections: None, attacked: Attacked, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    """The page's app with the test's datasource and topics."""
    place = attacked.place
    for module in (findings, health, live, queries):
        monkeypatch.setattr(module, "DATASOURCE", place.topic)
        monkeypatch.setattr(module, "_shared", AnswerCache())
    monkeypatch.setattr(windows_reader, "DATASOURCE", place.topic)
    memory = Memory()
    for module in (windows_reader, live):
        monkeypatch.setattr(module, "memory", memory)
    monkeypatch.setattr(findings, "_windows", WindowsReader())
    monkeypatch.setattr(findings, "_active", findings._Active())
    # The end of the last back-fill is in Airflow's database, which this app does not have.
    monkeypatch.setattr(findings, "_last_end", lambda: None)
    monkeypatch.setattr(health, "LEDGER_TOPIC", place.ledger_topic)
    for module in (health, queries):
        monkeypatch.setattr(module, "TOPIC", place.topic)
    app = create_app()
    app.dependency_overrides |= {can_read: lambda: None, can_run: lambda: None}
    app.dependency_overrides[viewer] = lambda: Viewer("vera", stays)
    with TestClient(app) as client:
        yield client


def answer(page: TestClient, path: str) -> dict[str, Any]:
    """Return the JSON of a path; fail the test if the status is not 200."""
    got = page.get(path)
    assert got.status_code == 200, f"{path}: {got.status_code} {got.text[:500]}"
    found: dict[str, Any] = got.json()
    return found


def test_every_record_is_counted_and_the_supervisor_keeps_running(
    attacked: Attacked, druid: DruidClient
) -> None:
    assert len(attacked.hostile) >= 40
    assert sum(attacked.stats) == len(attacked.honest) + objects(attacked.hostile)
    status = druid.supervisor_status(attacked.place.topic)
    assert (status["state"], status["detailedState"]) == ("RUNNING", "RUNNING")
    assert attacked.stats.unparseable > 0


def check_honest(attacked: Attacked, druid: DruidClient) -> None:
    """Check that each honest event is in Druid once, with its sums."""
    rows = druid.sql(
        for_datasource(SUMS, attacked.place.topic),
        [attacked.place.corrida],
        context={"useApproximateCountDistinct": False},
    )
    honest = attacked.honest
    assert rows == [
        {
            "n": len(honest),
            "ids": len(honest),
            **{
                name: sum(getattr(event, name) for event in honest)
                for name in ("cantidad", "importe_centavos", "iva_centavos")
            },
        }
    ]


def test_all_honest_sales_are_in_druid_with_their_sums(
    attacked: Attacked, druid: DruidClient
) -> None:
    check_honest(attacked, druid)


FILTERS = [
    "",
    "provincia=Jujuy",
    "sucursal=" + quote("<img src=x onerror=alert(1)>"),
    "categoria=Ninguna",
    "pago=credito",
    "pago=__proto__",
    "emisor=Visa",
    "plataforma=fax",
    "producto=" + quote("'; DROP TABLE ventas; --"),
]


def test_every_range_and_filter_of_the_live_view_is_answered(page: TestClient) -> None:
    assert {name.partition("=")[0] for name in FILTERS if name} == set(COLUMNS)
    for rango in RANGES:
        for chosen in FILTERS:
            found = answer(page, f"/api/live?rango={rango}&{chosen}")
            assert found["failed"] == [], (rango, chosen)


def test_live_view_shows_exactly_the_honest_sales_of_each_store(
    page: TestClient, attacked: Attacked
) -> None:
    until = quote(datetime.now(UTC).isoformat(timespec="seconds"))
    stores = sorted({event.sucursal for event in attacked.honest} - {HOSTILE_STORE.sucursal})
    for store in stores[:20]:
        sold = [event for event in attacked.honest if event.sucursal == store]
        found = answer(page, f"/api/live?rango=30d&hasta={until}&sucursal={quote(store)}")
        actual = found["totals"]["current"]
        assert actual["sales"] == sum(event.estado == "pendiente" for event in sold)
        assert actual["revenue_centavos"] == sum(
            event.importe_centavos for event in sold if event.estado == "aprobada"
        )


def test_every_kind_of_finding_is_judged_despite_hostile_records(page: TestClient) -> None:
    for chosen in FILTERS:
        report = answer(page, f"/api/findings?{chosen}")
        assert [it for it in report["missing"] if it["reason"] == "error"] == [], chosen
    report = answer(page, "/api/findings")
    assert {*report["tests"], *(it["kind"] for it in report["missing"])} == set(KINDS)
    assert report["sales"] > 0


def test_every_part_of_the_flow_is_judged(page: TestClient, attacked: Attacked) -> None:
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    window = {
        "dag_id": "sales_window",
        "dag_run_id": attacked.place.corrida,
        "state": "running",
        "run_type": "manual",
        "run_after": since,
        "start_date": since,
        "tasks": [{"task_id": "publish_sales", "state": "running", "start_date": since}],
    }
    got = page.post("/api/health", json={"runs": [window]})
    assert got.status_code == 200, got.text[:500]
    parts, [shown] = got.json()["parts"], got.json()["windows"]
    reasons = {name: part["reason"] for name, part in parts.items() if name != "vm"}
    assert not {"failed", "trouble"} & {*reasons.values()}, reasons
    assert parts["supervisor"]["numbers"]["state"] == "RUNNING"
    assert shown["committed"]["numbers"]["events"] == len(attacked.honest)


@pytest.mark.parametrize("query", [query.name for query in load_library()])
def test_every_query_of_the_library_answers(page: TestClient, query: str) -> None:
    got = page.post(f"/api/queries/{query}", json={})
    assert got.status_code == 200, got.text[:500]
    assert got.json()["columns"]


def test_tail_of_the_topic_shows_every_hostile_record(
    page: TestClient, attacked: Attacked, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = attacked.place._replace(topic=f"{attacked.place.topic}-solo")
    ensure_topic(alone.config, alone.topic, partitions=PARTITIONS, timeout=120)
    send(alone, attacked.hostile)
    monkeypatch.setattr(queries, "TOPIC", alone.topic)
    found = answer(page, f"/api/tail?n={MOST}")
    assert found["complete"]
    assert len(found["records"]) == len(attacked.hostile)
    assert all(record["event"] or record["problem"] for record in found["records"])


@pytest.fixture
def hand_over(
    connections: None, attacked: Attacked, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Any], dict[str, Any]]:
    """Return a function that runs an operator and returns its result, even if it fails or skips."""
    monkeypatch.setattr(ledger_operators, "_PATIENCE", 0.0)
    monkeypatch.setattr(comparison, "_SHOWN", 1000)

    def run(operator: Any) -> dict[str, Any]:
        pushed: dict[str, Any] = {}
        context = {"ti": SimpleNamespace(xcom_push=lambda key, value: pushed.update(value))}
        try:
            return dict(operator.execute(context))
        except (AirflowException, AirflowSkipException):
            return pushed

    return run


@pytest.mark.parametrize("check", load_checks(), ids=lambda check: check.name)
def test_every_check_gives_a_result(
    hand_over: Callable[[Any], dict[str, Any]], attacked: Attacked, check: Any
) -> None:
    place = attacked.place
    handed = hand_over(
        RunCheckOperator(
            task_id="run_check",
            check=check.name,
            window=OPEN,
            vm={},
            lookback_minutes=24 * 60,
            datasource=place.topic,
            ledger_topic=place.ledger_topic,
        )
    )
    result = CheckResult(**handed)
    assert result.numbers, result.message
    assert "la consulta falló" not in result.message
    assert len(result.message) < 2_000
    if check.name in ("nulls", "domains", "duplicates", "timestamps", "cross_fields", "money"):
        assert result.status == "error", result.message


def test_ledger_check_names_foreign_runs_and_records(
    hand_over: Callable[[Any], dict[str, Any]], attacked: Attacked
) -> None:
    place = attacked.place
    handed = hand_over(
        CheckLedgerOperator(
            task_id="check_ledger",
            vm={},
            lookback_minutes=24 * 60,
            topic=place.topic,
            datasource=place.topic,
            ledger_topic=place.ledger_topic,
        )
    )
    assert handed["status"] == "error"
    differences, found = handed["message"].split(" en Druid); ")
    assert place.corrida not in differences
    assert "hostil, " in differences
    assert handed["numbers"]["registros_ajenos"] == len(attacked.hostile)
    # The records named differ from run to run, because any partition may be read first.
    count = len(attacked.hostile)
    named = r"partición \d offset \d+ [^;]+; "
    told = rf"{count} registros que el libro no conoce: ({named}){{{MOST_NAMED}}}"
    assert re.fullmatch(rf"{told}y {count - MOST_NAMED} más", found)


def test_only_hostile_records_are_foreign(attacked: Attacked) -> None:
    place = attacked.place
    found = foreign_records(place.config, place.topic, place.ledger_topic, seconds=120)
    assert (found.count, found.complete) == (len(attacked.hostile), True)


def test_honest_run_reconciles_and_foreign_records_are_reported(
    connections: None, attacked: Attacked
) -> None:
    place, honest = attacked.place, attacked.honest
    operator = ReconcileOperator(
        task_id="reconcile",
        published={
            "run": place.corrida,
            "committed": len(honest),
            "first_ts": min(event.ts for event in honest),
            "last_ts": max(event.ts for event in honest),
            "faults": {},
        },
        topic=place.topic,
        ledger_topic=place.ledger_topic,
        datasource=place.topic,
        from_the_beginning=True,
        timeout=60,
    )
    found = operator.execute({})
    assert (found["equal"], found["in_druid"]) == (True, len(honest))
    assert found["foreign"]["count"] == len(attacked.hostile)


def test_hand_off_of_hostile_records_succeeds_without_loss(
    attacked: Attacked, druid: DruidClient
) -> None:
    """Must be the last test, because the supervisor stays suspended."""
    topic = attacked.place.topic
    rows = attacked.stats.processed + attacked.stats.processedWithError
    suspend_supervisor(druid, topic)
    wait_until(lambda: not unsettled(druid, topic, Expected()), "the hand-off", 300)
    assert {task["statusCode"] for task in druid.tasks(topic)} == {"SUCCESS"}
    wait_for_rows(druid, topic, rows)
    check_honest(attacked, druid)
