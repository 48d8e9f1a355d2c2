"""Comparison of Druid with the ledger, with a small router as Druid and given ledger entries."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from msgspec.structs import asdict

from include.druid.client import DruidClient
from include.druid.ledger import GRACE
from include.names import DATASOURCE, LEDGER_TOPIC, TOPIC
from include.sales.sums import Cell, Sums
from include.stream import foreign, ledger
from include.stream.errors import KafkaUnreachableError
from include.stream.foreign import Foreign, ForeignRecords
from include.stream.ledger import LedgerError, LedgerMinutes
from include.stream.topics import TopicMissingError
from tests.unit.druid.support import SQL, Router, serving
from tests.unit.plugins.clock import Clock
from tests.unit.plugins.validation.support import IN_ZONE, VM, Pushed, execute
from tests.unit.stack.compute.support import eventually
from ventas_airflow.hooks.compute import VentasComputeEngineHook
from ventas_airflow.operators.ledger import CheckLedgerOperator
from ventas_airflow.preconditions import vm_is_off

KAFKA = {"bootstrap.servers": "127.0.0.1:1"}
CELL = Cell("r1", "2026-11-24T12:00:00Z", "aprobada")
LATER = Cell("r1", "2026-11-24T12:01:00Z", "rechazada")
TWO, THREE = Sums(2, 3, 690000, 119752, 0), Sums(3, 4, 990000, 171818, 0)
NO_DATASOURCE = (400, {"errorMessage": f"Object '{DATASOURCE}' not found"})

#: Sets the results of the next reads of the ledger, the last one for all later reads; returns a
#: list of the reads' arguments.
Holds = Callable[..., list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def kafka(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = {"conn_type": "kafka", "extra": KAFKA}
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps(connection))


@pytest.fixture
def router(monkeypatch: pytest.MonkeyPatch) -> Iterator[Router]:
    with serving() as router:
        address = urlsplit(router.url)
        druid = {"conn_type": "druid", "host": address.hostname, "port": address.port}
        monkeypatch.setenv("AIRFLOW_CONN_DRUID_INGEST_DEFAULT", json.dumps(druid))
        yield router


@pytest.fixture(autouse=True)
def strangers(monkeypatch: pytest.MonkeyPatch) -> ForeignRecords:
    """The foreign records of the topic: none unless a test adds some."""
    found = ForeignRecords()

    def search(config: object, topic: str, ledger_topic: str, *, since: datetime) -> ForeignRecords:
        assert (config, topic, ledger_topic) == (KAFKA, TOPIC, LEDGER_TOPIC)
        assert since.second == 0, "the first minute compared"
        return found

    monkeypatch.setattr(foreign, "foreign_records", search)
    return found


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, no_druid: str) -> None:
    """A client without retries, which would take half a minute for a Druid that does not run."""
    client = DruidClient(f"http://{no_druid}", retries=0)
    monkeypatch.setattr(CheckLedgerOperator, "_druid", lambda _: client)


@pytest.fixture
def holds(monkeypatch: pytest.MonkeyPatch) -> Holds:
    def script(*found: LedgerMinutes | Exception) -> list[dict[str, Any]]:
        left = list(found)
        asked: list[dict[str, Any]] = []

        def read_minutes(
            config: object,
            topic: str,
            start: datetime,
            end: datetime,
            *,
            settled: datetime,
            time_limit: float | None,
        ) -> LedgerMinutes:
            assert (config, topic) == (KAFKA, LEDGER_TOPIC)
            asked.append({"start": start, "end": end, "settled": settled})
            now = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(now, Exception):
                raise now
            return now

        monkeypatch.setattr(ledger, "read_minutes", read_minutes)
        return asked

    return script


def book(sums: dict[Cell, Sums], *in_flight: Cell) -> LedgerMinutes:
    return LedgerMinutes(sums, {(cell.corrida, cell.minuto) for cell in in_flight})


def rows(sums: dict[Cell, Sums]) -> tuple[int, list[dict[str, Any]]]:
    return 200, [{**cell._asdict(), **asdict(each)} for cell, each in sums.items()]


def check(**changes: Any) -> CheckLedgerOperator:
    return CheckLedgerOperator(**{"task_id": "check_ledger", "vm": VM, **changes})


def test_ledger_and_druid_are_read_for_the_same_minutes(router: Router, holds: Holds) -> None:
    asked = holds(book({CELL: TWO}))
    router.on("POST", SQL, rows({CELL: TWO}))
    before = datetime.now(UTC)

    found = execute(check(lookback_minutes=30), Pushed())

    assert (found["name"], found["status"]) == ("ledger", "ok")
    [once] = asked
    bounds = [parameter["value"] for parameter in router.asked[0].body["parameters"]]
    assert bounds == [once[name].timestamp() * 1000 for name in ("start", "end")]
    assert before - timedelta(minutes=31) < once["start"] <= before - timedelta(minutes=30)
    assert before - GRACE <= once["settled"] <= datetime.now(UTC) - GRACE


def test_rows_that_druid_shows_later_are_waited_for(router: Router, holds: Holds) -> None:
    holds(book({CELL: THREE}))
    router.on("POST", SQL, NO_DATASOURCE, rows({CELL: TWO}), rows({CELL: THREE}))
    assert execute(check(), Pushed())["status"] == "ok"


def test_entries_committed_during_a_look_are_in_the_next_look(router: Router, holds: Holds) -> None:
    holds(book({CELL: TWO}), book({CELL: THREE}))
    router.on("POST", SQL, rows({CELL: THREE}))
    assert execute(check(), Pushed())["status"] == "ok"


def test_minute_with_entries_in_flight_is_left_for_the_next_run(
    router: Router, holds: Holds
) -> None:
    holds(book({CELL: TWO, LATER: THREE}, LATER))
    router.on("POST", SQL, rows({CELL: TWO, LATER: TWO}))
    found = execute(check(), Pushed())
    assert (found["status"], found["numbers"]["minutos"]) == ("ok", 1)
    assert found["numbers"]["en_curso"] == 1


def test_lasting_difference_fails_without_retries_and_with_its_result(
    router: Router, holds: Holds
) -> None:
    holds(book({CELL: TWO}))
    router.on("POST", SQL, rows({CELL: THREE}))
    ti = Pushed()
    with pytest.raises(AirflowFailException, match="r1, 2026-11-24T12:00:00Z, aprobada: eventos 3"):
        execute(check(), ti)
    assert (ti.value["status"], ti.value["numbers"]["diferencias"]) == ("error", 1)


def test_foreign_records_are_named_after_the_difference(
    router: Router, holds: Holds, strangers: ForeignRecords
) -> None:
    holds(book({CELL: TWO}))
    router.on("POST", SQL, rows({CELL: THREE}))
    strangers.add(Foreign(0, 17, "x", "r9", "k"))
    ti = Pushed()
    named = "1 registro que el libro no conoce: partición 0 offset 17 id x corrida r9 clave k"
    with pytest.raises(AirflowFailException, match=named):
        execute(check(), ti)
    assert ti.value["message"].endswith(f"(2 eventos en el libro, 3 en Druid); {named}")
    assert ti.value["numbers"]["registros_ajenos"] == 1


def test_foreign_records_are_not_searched_if_the_minutes_are_equal(
    router: Router, holds: Holds, strangers: ForeignRecords
) -> None:
    holds(book({CELL: TWO}))
    router.on("POST", SQL, rows({CELL: TWO}))
    strangers.add(Foreign(0, 17, "x", "r9", "k"))
    assert "registros_ajenos" not in execute(check(), Pushed())["numbers"]


@pytest.mark.parametrize("nothing", [book({}), TopicMissingError("no topic 'ventas.ledger'")])
def test_check_is_skipped_before_the_first_closed_minute(
    router: Router, holds: Holds, nothing: LedgerMinutes | Exception
) -> None:
    holds(nothing)
    router.on("POST", SQL, NO_DATASOURCE)
    ti = Pushed()
    with pytest.raises(AirflowSkipException, match="ningún minuto cerrado con ventas"):
        execute(check(), ti)
    assert ti.value["status"] == "skipped"


def test_rows_without_a_ledger_are_an_error(router: Router, holds: Holds) -> None:
    holds(TopicMissingError("no topic 'ventas.ledger'"))
    router.on("POST", SQL, rows({CELL: TWO}))
    with pytest.raises(AirflowFailException, match="sin libro, y Druid tiene 2 eventos"):
        execute(check(), Pushed())


@pytest.mark.parametrize(
    ("fault", "worth_a_retry"),
    [(KafkaUnreachableError(KAFKA, 30), True), (LedgerError("record 7 is no entry"), False)],
)
def test_unreadable_ledger_leaves_a_result(
    router: Router,
    vm: VentasComputeEngineHook,
    holds: Holds,
    fault: Exception,
    worth_a_retry: bool,
) -> None:
    holds(fault)
    router.on("POST", SQL, rows({CELL: TWO}))
    ti = Pushed()
    with pytest.raises(AirflowException) as error:
        execute(check(), ti)
    assert isinstance(error.value, AirflowFailException) != worth_a_retry
    assert (ti.value["status"], ti.value["message"]) == ("error", str(fault))


def test_every_try_without_druid_stores_its_result_before_it_fails(
    impatient: None, vm: VentasComputeEngineHook, no_druid: str
) -> None:
    for _ in range(3):  # any try may be the last one
        ti = Pushed()
        with pytest.raises(AirflowException, match=no_druid) as error:
            execute(check(), ti)
        assert not isinstance(error.value, AirflowFailException), "it is worth a retry"
        assert (ti.value["name"], ti.value["status"]) == ("ledger", "error")


def test_check_is_skipped_if_the_vm_stopped_before_it(
    impatient: None, vm: VentasComputeEngineHook
) -> None:
    assert vm_is_off(VM) == "", "what the first task of the run saw"
    vm.begin_stop(**IN_ZONE)
    eventually(lambda: vm_is_off(VM) == "la VM druid está TERMINATED")

    ti = Pushed()
    with pytest.raises(AirflowSkipException, match="la VM druid está TERMINATED"):
        execute(check(), ti)
    assert (ti.value["status"], ti.value["message"]) == ("skipped", "la VM druid está TERMINATED")
