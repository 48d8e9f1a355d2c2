"""Reconciliation of a run, with a small router as Druid and given contents of Kafka."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from airflow.sdk.exceptions import AirflowFailException

from include.names import DATASOURCE, LEDGER_TOPIC, TOPIC
from include.sales.content import run_key
from include.sales.sums import Cell, Sums
from include.stream import foreign, reader
from include.stream.foreign import Foreign, ForeignRecords
from tests.unit.druid.support import SQL, SUPERVISORS, Router, serving
from tests.unit.plugins.clock import Clock
from ventas_airflow.operators.reconcile import ReconcileOperator

RUN_AFTER = datetime(2026, 11, 24, 12, tzinfo=UTC)
Context: Any = {"dag_run": SimpleNamespace(run_after=RUN_AFTER)}
TS = {"first_ts": "2026-11-24T12:00:00.000Z", "last_ts": "2026-11-24T12:00:01.500Z"}
PUBLISHED = {"run": "r1", "committed": 2, **TS}


@pytest.fixture
def router(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Router]:
    kafka = {"conn_type": "kafka", "extra": {"bootstrap.servers": "127.0.0.1:1"}}
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps(kafka))
    with serving() as router:
        address = urlsplit(router.url)
        druid = {"conn_type": "druid", "host": address.hostname, "port": address.port}
        monkeypatch.setenv(
            "AIRFLOW_CONN_DRUID_INGEST_DEFAULT", json.dumps({**druid, "schema": "http"})
        )
        yield router


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[datetime]]:
    """Function that sets the committed events; it returns a list of the moments read from."""

    def holds(*events: str) -> list[datetime]:
        asked: list[datetime] = []

        def ids_of_run(
            _: object, topic: str, corrida: str, *, since: datetime, key_prefix: str
        ) -> reader.RunIds:
            assert (topic, corrida) == (TOPIC, "r1")
            assert key_prefix == f"v{run_key('r1')}-"
            asked.append(since)
            return reader.RunIds(Counter(events), malformed=0)

        monkeypatch.setattr(reader, "ids_of_run", ids_of_run)
        return asked

    return holds


@pytest.fixture(autouse=True)
def strangers(monkeypatch: pytest.MonkeyPatch) -> ForeignRecords:
    """The foreign records of the topic: none unless a test adds some."""
    found = ForeignRecords()

    def search(
        config: object, topic: str, ledger_topic: str, *, since: datetime | None
    ) -> ForeignRecords:
        assert (topic, ledger_topic) == (TOPIC, LEDGER_TOPIC)
        assert since == RUN_AFTER - timedelta(minutes=10)
        return found

    monkeypatch.setattr(foreign, "foreign_records", search)
    return found


STRANGER = Foreign(0, 17, "x", "r1", "k")
NAMED = "1 registro que el libro no conoce: partición 0 offset 17 id x corrida r1 clave k"


def rows(*events: str) -> tuple[int, list[dict[str, Any]]]:
    return 200, [{"id_evento": event, "copies": n} for event, n in Counter(events).items()]


def operator(**changes: Any) -> ReconcileOperator:
    return ReconcileOperator(
        **{"task_id": "conciliar", "published": PUBLISHED, "timeout": 3, **changes}
    )


def test_reconcile_waits_for_the_last_rows_and_returns_counts_and_results(
    router: Router, kafka: Callable[..., list[datetime]]
) -> None:
    since = kafka("a", "b")
    missing = (400, {"errorMessage": f"Object '{DATASOURCE}' not found"})
    results = [(200, [{"revenue_centavos": 5}]), (200, []), (200, [])]
    router.on("POST", SQL, missing, rows("a"), rows("a", "b"), *results)
    assert operator(timeout=30).execute(Context) == {
        "run": "r1",
        "committed": 2,
        "in_kafka": 2,
        "in_druid": 2,
        "lost": 0,
        "duplicated": 0,
        "surplus": 0,
        "different_sums": 0,
        "malformed": None,
        "equal": True,
        "foreign": {"count": 0, "first": [], "complete": True},
        "results": {"revenue_centavos": 5, "products": [], "payments": []},
    }
    assert since == [RUN_AFTER - timedelta(minutes=10)]


def test_window_without_sales_agrees_without_querying_druid(
    router: Router, kafka: Callable[..., list[datetime]]
) -> None:
    kafka()
    found = operator(published={**PUBLISHED, "committed": 0}).execute(Context)
    assert (found["equal"], found["results"]) == (True, {})
    assert router.asked == []


@pytest.mark.parametrize(
    ("in_kafka", "in_druid", "said"),
    [
        ("ab", "a", "2 en Kafka, 1 en Druid; 1 perdidas, 0 duplicadas, 0 sobrantes"),
        ("ab", "aab", "2 en Kafka, 3 en Druid; 0 perdidas, 1 duplicadas, 0 sobrantes"),
        ("ab", "abc", "2 en Kafka, 3 en Druid; 0 perdidas, 0 duplicadas, 1 sobrantes"),
        ("a", "a", "1 en Kafka, 1 en Druid; 0 perdidas, 0 duplicadas, 0 sobrantes"),
        ("aab", "ab", "3 en Kafka, 2 en Druid; 0 perdidas, 1 duplicadas, 0 sobrantes"),
    ],
)
def test_difference_at_the_deadline_fails_without_retries_and_with_counts(
    router: Router,
    kafka: Callable[..., list[datetime]],
    in_kafka: str,
    in_druid: str,
    said: str,
) -> None:
    kafka(*in_kafka)
    router.on("POST", SQL, rows(*in_druid))
    with pytest.raises(AirflowFailException, match=f"no coinciden: 2 confirmadas, {said}"):
        operator().execute(Context)


def test_foreign_records_of_the_run_are_named_in_the_failure(
    router: Router, kafka: Callable[..., list[datetime]], strangers: ForeignRecords
) -> None:
    kafka("a", "b", "x")
    strangers.add(STRANGER)
    router.on("POST", SQL, rows("a", "b", "x"))
    with pytest.raises(AirflowFailException) as error:
        operator().execute(Context)
    assert str(error.value).endswith(f"0 sumas distintas; {NAMED}")
    assert "3 en Kafka, 3 en Druid" in str(error.value)


def test_other_foreign_records_are_only_a_warning(
    router: Router,
    kafka: Callable[..., list[datetime]],
    strangers: ForeignRecords,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kafka("a", "b")
    strangers.add(STRANGER)
    router.on("POST", SQL, rows("a", "b"), (200, [{}]), (200, []), (200, []))
    found = operator().execute(Context)
    assert found["equal"]
    assert found["foreign"] == {
        "count": 1,
        "first": [STRANGER._asdict()],
        "complete": True,
    }
    assert f"[warning  ] {NAMED}" in capsys.readouterr().out


@pytest.mark.parametrize("reads", [True, False])
def test_wait_goes_on_while_druid_reads_the_events_of_another_run(
    router: Router, kafka: Callable[..., list[datetime]], reads: bool
) -> None:
    """Millions of events of a back-fill may come before the window's events in the topic."""
    kafka("a", "b")
    looks = 40
    lags = [1000 - n if reads else 1000 for n in range(looks)]
    reports = [(200, {"payload": {"aggregateLag": lag}}) for lag in lags]
    router.on("GET", f"{SUPERVISORS}/{DATASOURCE}/status", *reports)
    results: list[tuple[int, Any]] = [(200, [{}]), (200, []), (200, [])]
    router.on("POST", SQL, *[rows("a")] * looks, rows("a", "b"), *results)
    if reads:
        assert operator(timeout=20).execute(Context)["equal"]
    else:
        with pytest.raises(AirflowFailException, match="1 perdidas"):
            operator(timeout=20).execute(Context)


def test_unreachable_druid_counts_as_having_lost_every_event(
    router: Router, kafka: Callable[..., list[datetime]]
) -> None:
    kafka("a", "b")
    router.on("POST", SQL, (500, {"error": "no broker"}))
    with pytest.raises(AirflowFailException, match="0 en Druid; 2 perdidas"):
        operator().execute(Context)


@pytest.mark.parametrize("published", [None, "", "{'corrida': 'r1'}"])
def test_reconcile_fails_without_the_producers_result(router: Router, published: object) -> None:
    with pytest.raises(AirflowFailException, match="No hay qué conciliar"):
        operator(published=published).execute(Context)
    assert router.asked == []


CELL = {"corrida": "r1", "minuto": "2026-11-24T12:00:00Z", "estado": "aprobada"}
MANY = {"run": "r1", "committed": 300_000, "faults": {}, **TS}


def sums(eventos: int, importe: int = 0) -> dict[str, int]:
    zeros = dict.fromkeys(("unidades", "importe_centavos", "iva_centavos", "descuento_centavos"), 0)
    return {"eventos": eventos, **zeros, "importe_centavos": importe}


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> list[datetime | None]:
    """Set the ledger's sums of the runs; the value is a list of the moments read from."""
    from include.stream import ledger as module

    asked: list[datetime | None] = []

    def read_sums(
        _: object, topic: str, corridas: list[str], *, since: datetime | None
    ) -> dict[Cell, Sums]:
        assert topic == LEDGER_TOPIC
        asked.append(since)
        return {
            Cell(corrida, CELL["minuto"], "aprobada"): Sums(300_000 // len(corridas), 0, 70)
            for corrida in corridas
        }

    monkeypatch.setattr(module, "read_sums", read_sums)
    return asked


def test_large_run_is_compared_by_the_sums_of_its_minutes(
    router: Router, ledger: list[datetime | None]
) -> None:
    others = {**CELL, "corrida": "r2", **sums(9)}
    half = (200, [{**CELL, **sums(150_000)}, others])
    all_of_it = (200, [{**CELL, **sums(300_000, 70)}, others])
    router.on("POST", SQL, half, all_of_it, (200, [{}]), (200, []), (200, []))
    found = operator(timeout=30, published=[MANY]).execute(Context)
    assert (found["equal"], found["in_kafka"], found["in_druid"]) == (True, 300_000, 300_000)
    assert found["foreign"] is None, "a large topic is searched only if the sums differ"
    assert ledger == [RUN_AFTER - timedelta(minutes=10)]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (sums(299_999, 70), "1 perdidas, 0 duplicadas, 0 sobrantes, 0 sumas distintas"),
        (sums(300_002, 70), "0 perdidas, 0 duplicadas, 2 sobrantes, 0 sumas distintas"),
        (sums(300_000, 71), "0 perdidas, 0 duplicadas, 0 sobrantes, 1 sumas distintas"),
    ],
)
def test_large_run_with_different_sums_fails_and_names_foreign_records(
    router: Router,
    ledger: list[datetime | None],
    row: dict[str, int],
    said: str,
    strangers: ForeignRecords,
) -> None:
    strangers.add(STRANGER)
    router.on("POST", SQL, (200, [{**CELL, **row}]))
    with pytest.raises(AirflowFailException, match=f"{said}; {NAMED}"):
        operator(published=[MANY]).execute(Context)


def test_several_runs_are_reconciled_together_from_the_topics_beginning(
    router: Router, ledger: list[datetime | None]
) -> None:
    days = [{**MANY, "run": name, "committed": 150_000} for name in ("d1", "d2")]
    rows = [{**CELL, "corrida": name, **sums(150_000, 70)} for name in ("d1", "d2")]
    router.on("POST", SQL, (200, rows), (200, [{}]), (200, []), (200, []))
    found = operator(published=days, from_the_beginning=True).execute(Context)
    assert (found["run"], found["equal"]) == ("2 corridas", True)
    assert ledger == [None]


@pytest.mark.parametrize("nothing", [[], "", "None"])
def test_reconcile_fails_if_no_task_published(router: Router, nothing: Any) -> None:
    with pytest.raises(AirflowFailException, match="No hay qué conciliar"):
        operator(published=nothing).execute(Context)
