"""Validation checks on a real Druid, through their operator: clean sales, and sales with errors."""

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from confluent_kafka import Producer

from include.druid.checks import CheckResult, load_checks
from include.druid.client import DruidClient
from include.druid.supervisor import supervisor_spec
from include.names import PUBLISH_TASK, WINDOW_DAG
from include.page.flow_health import read_sales
from include.sales.content import SaleSource
from include.sales.event import ESTADOS, Venta, format_ts, iva_incluido
from include.sales.market import load_market
from include.stream.publisher import SalePublisher
from include.stream.topics import ensure_topic
from tests.support.druid import remove_supervisor, wait_for_rows

os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow-home-"))

PAUSE = timedelta(seconds=1.5)
#: Age of the latest sale: fresh, but old enough that the check of gaps includes it.
SILENCE = timedelta(seconds=20)
OPEN = {"open": True, "reason": "es una prueba"}

Run = Callable[[], dict[str, CheckResult]]


class Pushed:
    """Fake task instance that keeps the XCom."""

    value: dict[str, Any] | None = None

    def xcom_push(self, key: str, value: dict[str, Any]) -> None:
        assert key == "return_value"
        self.value = value


@pytest.fixture
def datasource(
    druid: DruidClient, kafka_config: Mapping[str, Any], topic_suffix: str
) -> Iterable[str]:
    """Name of a topic and of its datasource in Druid, without sales yet."""
    name = f"ventas-{topic_suffix}"
    ensure_topic(kafka_config, name, partitions=2)
    ensure_topic(kafka_config, f"{name}.ledger", partitions=1)
    druid.submit_supervisor(supervisor_spec(kafka_config, topic=name, datasource=name))
    yield name
    remove_supervisor(druid, name)


class Producing:
    """Fake task instance that returns the state of the producer's task in each run."""

    def __init__(self, **states: str) -> None:
        self.states = states

    def get_task_states(self, dag_id: str, task_ids: list[str]) -> dict[str, dict[str, str]]:
        assert (dag_id, task_ids) == (WINDOW_DAG, [PUBLISH_TASK])
        return {run: {PUBLISH_TASK: state} for run, state in self.states.items()}


@pytest.fixture
def run(connections: None, datasource: str) -> Run:
    """Return a function that runs every check with its operator, while the window is open."""
    from airflow.sdk.exceptions import AirflowException, AirflowSkipException

    from ventas_airflow.operators.validation import RunCheckOperator

    def run_check(name: str) -> CheckResult:
        operator = RunCheckOperator(
            task_id="run_check",
            check=name,
            window=OPEN,
            vm={},
            datasource=datasource,
            ledger_topic=f"{datasource}.ledger",
        )
        ti = Pushed()
        failed = False
        try:
            value = operator.execute({"ti": ti})  # type: ignore[typeddict-item]
        except AirflowSkipException:
            value = ti.value or {}
        except AirflowException:
            failed, value = True, ti.value or {}
        result = CheckResult(**value)
        assert failed == (result.status == "error")
        return result

    return lambda: {check.name: run_check(check.name) for check in load_checks()}


def chains(corrida: str, count: int) -> list[tuple[Venta, ...]]:
    """Return the events until now of sales at an even pace, the last one `SILENCE` ago."""
    source = SaleSource(load_market(), seed=7, corrida=corrida, seconds_per_day=1)
    now = datetime.now(UTC)
    begun = [now - SILENCE - PAUSE * (count - 1 - n) for n in range(count)]
    return [
        tuple(event for event in source.chain(n, ts) if event.ts < format_ts(now))
        for n, ts in enumerate(begun)
    ]


def step(first: Mapping[str, Any], estado: str, **changes: Any) -> dict[str, Any]:
    """Return a later event of a sale, three seconds after its first event."""
    ts = format_ts(datetime.fromisoformat(first["ts"]) + timedelta(seconds=3))
    return {**first, "id_evento": f"{first['id_evento']}{estado}", "ts": ts, "estado": estado} | (
        changes
    )


def statuses(results: Mapping[str, CheckResult]) -> dict[str, str]:
    return {name: result.status for name, result in results.items()}


def test_published_sales_pass_every_check(
    run: Run, druid: DruidClient, kafka_config: Mapping[str, Any], datasource: str
) -> None:
    before = run()
    assert {before[name].status for name in ("freshness", "cadence")} == {"error"}
    assert before["duplicates"].status == "skipped"
    assert before["duplicates"].message == f"no hay ventas todavía en {datasource}"

    publisher = SalePublisher(
        kafka_config,
        datasource,
        seed=7,
        transactional_id=datasource,
        delivery_timeout=120,
        topic=datasource,
        ledger_topic=f"{datasource}.ledger",
    )
    published = [event for chain in chains(datasource, 300) for event in chain]
    assert {event.estado for event in published} >= set(ESTADOS) - {"contracargo"}
    with publisher:
        publisher.open()
        publisher.commit(published)
    wait_for_rows(druid, datasource, len(published))

    results = run()
    assert statuses(results) == dict.fromkeys(statuses(results), "ok"), results
    assert results["duplicates"].numbers == {"ventas": len(published), "duplicados": 0}
    assert results["sequence_gaps"].numbers["ventas"] == 300
    assert results["lifecycle"].numbers["ventas"] == 300
    assert results["cadence"].numbers["pausa_media"] == pytest.approx(1.5)
    # The page uses the same check files, with positional parameters.
    parts = read_sales(druid, datasource, datetime.now(UTC))
    assert {name: part.state for name, part in parts.items()} == dict.fromkeys(parts, "good"), parts
    assert parts["cadence"].numbers["sales"] == 300
    assert parts["cadence"].numbers["pausa_p50"] == pytest.approx(1.5, abs=0.01)


def test_each_error_is_reported_with_its_exact_count(
    run: Run, druid: DruidClient, kafka_config: Mapping[str, Any], datasource: str
) -> None:
    rows = [msgspec.to_builtins(chain[0]) for chain in chains(datasource, 60)]
    rows[5]["importe_centavos"] += 100
    rows[5]["iva_centavos"] = iva_incluido(rows[5]["importe_centavos"], rows[5]["alicuota_iva"])
    for n in (6, 7):
        rows[n]["iva_centavos"] += 1
    rows[8]["sucursal"] = None
    rows[9]["cantidad"] = None
    rows[10].update(tipo_pago="cheque", cuotas=1, emisor="")
    rows[11]["ciudad"] = ""
    rows[12]["cuotas"] = "tres"
    rows[25].update(tipo_pago="debito", cuotas=3, emisor="Visa")
    rows[28].update(tipo_pago="efectivo", cuotas=1, emisor="Visa")
    rows[40]["ts"] = rows[35]["ts"]
    rows[59]["ts"] = format_ts(datetime.now(UTC) + timedelta(minutes=10))
    before = format_ts(datetime.fromisoformat(rows[31]["ts"]) - timedelta(seconds=1))
    steps = [
        step(rows[26], "rechazada"),
        step(rows[27], "aprobada", motivo="fondos_insuficientes"),
        step(rows[30], "contracargo"),
        step(rows[31], "aprobada", ts=before),
        step(rows[32], "aprobada"),
        step(rows[32], "rechazada", motivo="fondos_insuficientes"),
        step(rows[33], "reembolsada", ts=rows[33]["ts"]),
        step(rows[33], "aprobada"),
    ]
    sent = [row for n, row in enumerate(rows) if n not in (20, 21)] + [rows[3]] * 2 + steps
    producer = Producer(dict(kafka_config))
    for row in sent:
        producer.produce(datasource, json.dumps(row))
    assert producer.flush(30) == 0
    wait_for_rows(druid, datasource, len(sent))

    results = run()
    assert statuses(results) == {
        "approval_rate": "skipped",
        "cadence": "warning",
        "cross_fields": "error",
        "domains": "error",
        "duplicates": "error",
        "freshness": "ok",
        "ingestion_lag": "ok",
        "ingestion_tasks": "ok",
        "lifecycle": "error",
        "money": "error",
        "nulls": "error",
        "offsets": "ok",
        "payment_mix": "skipped",
        "sequence_gaps": "error",
        "supervisor": "ok",
        "timestamps": "error",
    }
    assert {name: results[name].message for name in results if results[name].status == "error"} == {
        "cross_fields": "cuotas_sin_credito = 1, debe ser 0; motivo_sin_rechazo = 1, debe ser 0; "
        "rechazo_sin_motivo = 1, debe ser 0; emisor_indebido = 1, debe ser 0",
        "domains": "ciudad = 1, debe ser 0; tipo_pago = 1, debe ser 0; cuotas = 1, debe ser 0",
        "duplicates": "duplicados = 2, debe ser 0",
        "lifecycle": "decididas_de_mas = 1, debe ser 0; decididas_antes = 1, debe ser 0; "
        "devueltas_sin_aprobar = 1, debe ser 0; devueltas_antes = 1, debe ser 0",
        "money": "importe_incorrecto = 1, debe ser 0; iva_incorrecto = 2, debe ser 0",
        "nulls": "sucursal = 1, debe ser 0; cantidad = 1, debe ser 0",
        "sequence_gaps": "faltantes = 2, debe ser 0",
        "timestamps": "futuras = 1, debe ser 0; retrocesos = 1, debe ser 0",
    }


def test_sales_are_expected_while_they_are_produced_and_ingested(
    connections: None, druid: DruidClient, kafka_config: Mapping[str, Any], datasource: str
) -> None:
    from ventas_airflow.preconditions import sales_expected

    def expected(**states: str) -> dict[str, Any]:
        return sales_expected(datasource, Producing(**states), patience=1)  # type: ignore[arg-type]

    assert expected(ayer="success") == {
        "open": False,
        "reason": "no corre ninguna tarea publish_sales de sales_window",
    }
    overdue = {"open": True, "reason": "ni una venta de hoy en 1 s"}
    assert expected(ayer="success", hoy="running") == overdue

    with SalePublisher(
        kafka_config,
        "hoy",
        seed=7,
        transactional_id=datasource,
        delivery_timeout=120,
        topic=datasource,
        ledger_topic=f"{datasource}.ledger",
    ) as publisher:
        publisher.open()
        publisher.commit(chains("hoy", 1)[0][:1])
    wait_for_rows(druid, datasource, 1)
    selling = {"open": True, "reason": "se publica la corrida hoy"}
    assert expected(ayer="success", hoy="running") == selling
    # Sales of another run do not count.
    assert expected(otra="running")["reason"] == "ni una venta de otra en 1 s"

    druid.suspend_supervisor(datasource)
    suspended = {"open": False, "reason": "la ingesta está suspendida"}
    assert expected(hoy="running") == suspended
