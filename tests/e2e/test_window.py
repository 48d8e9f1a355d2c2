"""The sale window on a real scheduler, Kafka and Druid: whole, stopped, and with a crash inside."""

import time

import pytest

from include.stack.airflow_api import AirflowApiError
from include.stream.ledger import read_run
from tests.support.lab import VALIDATION, WINDOW, Lab
from tests.support.vm import VM, instances


def test_a_window_loses_nothing_and_validation_agrees(lab: Lab) -> None:
    run = lab.open_window(duration_minutes=0.5, keep_vm=True)
    lab.wait(lambda: lab.in_druid(run) >= 5, "the sales of the window", 150)
    during = lab.api.trigger(VALIDATION, {})
    assert lab.end_of(WINDOW, run) == "success"

    found = lab.api.xcom(WINDOW, run, "reconcile")
    assert found["coinciden"]
    assert found["confirmadas"] == found["en_kafka"] == found["en_druid"] >= 15
    exact = lab.druid.sql(
        "SELECT COUNT(DISTINCT id_evento) AS n FROM ventas WHERE corrida = ?",
        [run],
        context={"useApproximateCountDistinct": False},
    )
    assert len(lab.consumed_ids(run)) == exact[0]["n"] == found["confirmadas"]

    after = lab.api.trigger(VALIDATION, {})
    for validation in (during, after):
        assert lab.end_of(VALIDATION, validation) == "success"
        summary = lab.api.xcom(VALIDATION, validation, "summary")
        assert summary["totals"]["error"] == 0
        assert summary["totals"]["ok"] >= 8
    assert lab.state(run, "stop_vm") == "skipped"
    assert instances(lab.settings).get(**VM).status == "RUNNING"


def test_a_window_with_every_fault_reconciles_and_validation_agrees(lab: Lab) -> None:
    run = lab.open_window(
        duration_minutes=0.5,
        minimum_gap=0.1,
        maximum_gap=0.2,
        duplicates_pct=10,
        late_pct=10,
        out_of_order_pct=10,
        malformed_pct=30,
        bursts_pct=20,
        keep_vm=True,
    )
    assert lab.end_of(WINDOW, run) == "success"

    found = lab.api.xcom(WINDOW, run, "reconcile")
    faults = lab.api.xcom(WINDOW, run, "publish_sales")["fallas"]
    assert found["coinciden"]
    assert found["malformados"]["ilegibles"] > 0
    assert found["malformados"]["con_error"] == faults["tipo_erroneo"] > 0
    assert {"duplicado", "tardio", "desordenado"} <= faults.keys()

    validation = lab.api.trigger(VALIDATION, {})
    assert lab.end_of(VALIDATION, validation) == "success"
    summary = lab.api.xcom(VALIDATION, validation, "summary")
    assert summary["totals"]["error"] == 0


def test_marking_the_producer_failed_stops_it_and_the_vm(lab: Lab) -> None:
    run = lab.open_window()
    lab.wait(lambda: lab.in_druid(run) >= 3, "the sales of the window", 150)

    lab.api.set_task_state(WINDOW, run, "publish_sales", "failed")
    marked = time.monotonic()
    log = ""

    def told() -> bool:
        nonlocal log
        log = lab.api.log(WINDOW, run, "publish_sales", 1)
        return "Detenida a pedido" in log

    # The heartbeat tells the task (5 s at most apart), which then has 5 s to end.
    lab.wait(told, "the stopped producer", 20)
    assert time.monotonic() - marked < 15
    published = read_run(lab.kafka, "ventas.ledger", run).total.eventos
    assert f"{published} eventos confirmados, 0 sin confirmar" in log

    assert lab.end_of(WINDOW, run) == "failed"
    assert lab.state(run, "publish_sales") == "failed"
    assert lab.state(run, "reconcile") == "upstream_failed"
    assert lab.state(run, "suspend_supervisor") == "success"
    assert lab.state(run, "stop_vm") == "success"
    assert instances(lab.settings).get(**VM).status == "TERMINATED"
    assert len(lab.consumed_ids(run)) == published


@pytest.mark.parametrize(
    ("conf", "told"),
    [
        ({"minimum_gap": 3, "maximum_gap": 1}, "Parámetro inválido"),
        ({"stores": ["cordoba-centr"]}, "cordoba-centro"),
    ],
)
def test_a_wrong_form_starts_nothing(lab: Lab, conf: dict[str, object], told: str) -> None:
    run = lab.open_window(**conf)
    assert lab.end_of(WINDOW, run, 60) == "failed"
    assert told in lab.api.log(WINDOW, run, "check_form", 1)
    assert lab.state(run, "start_vm") == "upstream_failed"


def test_a_form_outside_its_ranges_is_refused_at_once(lab: Lab) -> None:
    with pytest.raises(AirflowApiError, match="duration_minutes"):
        lab.open_window(duration_minutes=100000)
