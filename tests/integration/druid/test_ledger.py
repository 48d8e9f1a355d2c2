"""Comparison of Druid with the ledger, on real topics and a real datasource."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from confluent_kafka import Producer

from include.druid import ledger as comparison
from include.druid.client import DruidClient
from include.druid.supervisor import supervisor_spec
from include.sales.event import Venta
from include.sales.event import encode as encode_sale
from include.stream import ledger
from include.stream.reader import read_committed
from tests.support.druid import remove_supervisor, wait_for_rows
from tests.support.place import SEED, Place
from ventas_airflow.operators import ledger as operators
from ventas_airflow.operators.ledger import CheckLedgerOperator

#: Sales of each of the two runs, six seconds apart: ten sales in each of three minutes.
SALES = 30

Check = Callable[[], dict[str, Any]]


@pytest.fixture
def published(place: Place, druid: DruidClient) -> Iterator[dict[str, list[Venta]]]:
    """Sales of two runs in three past minutes, all in Druid; seven sales per transaction."""
    start = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=5)
    runs = {}
    for name in ("mañana", "tarde"):
        run = place._replace(corrida=name)
        source = run.source()
        sales = [source.chain(n, start + timedelta(seconds=6 * n))[0] for n in range(SALES)]
        with run.publisher() as publisher:
            publisher.open()
            for first in range(0, SALES, 7):
                publisher.commit(sales[first : first + 7])
        runs[name] = sales
    druid.submit_supervisor(
        supervisor_spec(place.config, topic=place.topic, datasource=place.topic)
    )
    wait_for_rows(druid, place.topic, 2 * SALES)
    yield runs
    remove_supervisor(druid, place.topic)


@pytest.fixture
def check(place: Place, connections: None, monkeypatch: pytest.MonkeyPatch) -> Check:
    """Return a function that runs the operator once, without its waiting times."""
    monkeypatch.setattr(operators, "_PATIENCE", 0.0)
    monkeypatch.setattr(comparison, "GRACE", timedelta(0))
    monkeypatch.setattr(comparison, "_SHOWN", 100)

    def run() -> dict[str, Any]:
        pushed: dict[str, Any] = {}
        context = {"ti": SimpleNamespace(xcom_push=lambda key, value: pushed.update(value))}
        operator = CheckLedgerOperator(
            task_id="check_ledger",
            vm={},
            topic=place.topic,
            datasource=place.topic,
            ledger_topic=place.ledger_topic,
        )
        try:
            return operator.execute(context)  # type: ignore[arg-type]
        except (AirflowFailException, AirflowSkipException):
            return pushed

    return run


def slip_in(place: Place, *events: bytes, entries: Sequence[Venta] = ()) -> None:
    """Write without the publisher: `events` without ledger entries, `entries` without events."""
    producer = Producer({**place.config, "acks": "all"})
    for event in events:
        producer.produce(place.topic, event, json.loads(event)["id_venta"])
    for entry in ledger.entries_for(entries, SEED) if entries else ():
        producer.produce(place.ledger_topic, ledger.encode(entry), entry.corrida)
    assert producer.flush(20) == 0


def test_published_sales_equal_the_ledger(check: Check, published: dict[str, list[Venta]]) -> None:
    found = check()
    assert (found["status"], found["message"]) == (
        "ok",
        "minutos = 3, corridas = 2, eventos_libro = 60, eventos_druid = 60",
    )


def test_every_foreign_lost_or_changed_event_is_named(
    check: Check, published: dict[str, list[Venta]], place: Place, druid: DruidClient
) -> None:
    twice = published["tarde"][3]
    cell = [s for s in published["tarde"] if (s.ts[:16], s.estado) == (twice.ts[:16], twice.estado)]
    past = datetime.now(UTC) - timedelta(minutes=3)
    changed, lost, unknown = (
        place._replace(corrida=name).source().chain(0, past)[0]
        for name in ("cambiada", "perdida", "sin libro")
    )
    dearer = msgspec.structs.replace(changed, importe_centavos=changed.importe_centavos + 1)
    nameless = {**msgspec.to_builtins(unknown), "corrida": None, "estado": None, "cantidad": None}
    slip_in(place, encode_sale(dearer), entries=[changed])
    slip_in(place, entries=[lost])
    slip_in(place, encode_sale(unknown), encode_sale(twice), json.dumps(nameless).encode())
    wait_for_rows(druid, place.topic, 2 * SALES + 4)

    found = check()

    assert found["status"] == "error"
    assert found["numbers"]["diferencias"] == 5
    told, foreign = found["message"].split(" (62 eventos en el libro, 64 en Druid); ")
    # The duplicated event is not foreign: it belongs to a run.
    assert found["numbers"]["registros_ajenos"] == 2
    places = {
        record.value: f"partición {record.partition} offset {record.offset}"
        for record in read_committed(place.config, place.topic)
    }
    what, _, names = foreign.partition(": ")
    assert what == "2 registros que el libro no conoce"
    assert sorted(names.split("; ")) == sorted(
        f"{places[value]} id {unknown.id_evento} corrida {run} clave {unknown.id_venta}"
        for value, run in (
            (encode_sale(unknown), "sin libro"),
            (json.dumps(nameless).encode(), "null"),
        )
    )
    minute = f"{unknown.ts[:16]}:00Z"
    assert told.split("; ") == [
        f", {minute}, : sin libro, y Druid tiene 1 eventos",
        f"cambiada, {minute}, {changed.estado}: importe_centavos {dearer.importe_centavos} "
        f"en vez de {changed.importe_centavos}",
        f"perdida, {minute}, {lost.estado}: falta en Druid, y el libro tiene 1 eventos",
        f"sin libro, {minute}, {unknown.estado}: sin libro, y Druid tiene 1 eventos",
        f"tarde, {twice.ts[:16]}:00Z, {twice.estado}: "
        + ", ".join(
            f"{name} {says + more} en vez de {says}"
            for name, says, more in (
                ("eventos", len(cell), 1),
                ("unidades", sum(s.cantidad for s in cell), twice.cantidad),
                ("importe_centavos", sum(s.importe_centavos for s in cell), twice.importe_centavos),
                ("iva_centavos", sum(s.iva_centavos for s in cell), twice.iva_centavos),
                (
                    "descuento_centavos",
                    sum(s.descuento_centavos for s in cell),
                    twice.descuento_centavos,
                ),
            )
            if more
        ),
    ]


def test_minutes_with_a_recent_entry_are_not_judged(
    check: Check,
    published: dict[str, list[Venta]],
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The minutes closed long ago, but the ledger just got an entry that Druid cannot show yet.
    slip_in(place, entries=[published["mañana"][0]])
    monkeypatch.setattr(comparison, "GRACE", timedelta(seconds=60))
    found = check()
    assert (found["status"], found["message"]) == ("skipped", "ningún minuto cerrado con ventas")
    assert found["numbers"]["en_curso"] == 6
