"""Alerts about a run, made from the notices of its tasks; a stand-in plays Airflow's part."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse
from airflow.sdk.log import mask_secret

from ventas_airflow import delivery
from ventas_airflow.alerts import leave_notice, send_alert, send_late_alert

RUN = "manual__2026-11-24T12:00:00+00:00"
KILLED = "terminó sin decir por qué: ver su registro"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    texts: list[str] = []
    monkeypatch.setattr(delivery, "deliver", lambda _, text: texts.append(text))
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/")
    return texts


class Left:
    """Stands in for the task instance of a callback: states and notices of the run's tasks."""

    def __init__(self, states: dict[str, str], notices: dict[str, Any]) -> None:
        self.states = states
        self.notices = notices

    def get_task_states(self, dag_id: str, run_ids: list[str]) -> dict[str, dict[str, str]]:
        assert (dag_id, run_ids) == ("sales_window", [RUN])
        return {RUN: self.states}

    def xcom_pull(self, task_ids: str, key: str) -> Any:
        assert key == "notice"
        return self.notices.get(task_ids)


def window() -> DAG:
    with DAG("sales_window", dag_display_name="Ventana", schedule=None) as dag:
        EmptyOperator(task_id="publish_sales", task_display_name="Publicar ventas")
        PythonOperator.partial(
            task_id="load_sales", task_display_name="Publicar la carga", python_callable=print
        ).expand(op_args=[[1], [2]])
        EmptyOperator(task_id="write_report", task_display_name="Escribir el cierre del día")
        EmptyOperator(task_id="stop_vm", task_display_name="Apagar la VM")
    return dag


def context(
    states: dict[str, str],
    notices: dict[str, Any] | None = None,
    *,
    reason: str = "task_failure",
    **params: Any,
) -> Any:
    return {
        "dag": window(),
        "run_id": RUN,
        "reason": reason,
        "ti": Left(states, notices or {}),
        "params": params,
    }


def test_alert_of_failed_run_names_tasks_runbook_section_and_run(sent: list[str]) -> None:
    states = {"publish_sales": "failed", "stop_vm": "success"}
    send_alert(context(states, {"publish_sales": "Kafka no responde"}))
    assert sent == [
        "Ventana: falló\n"
        "Publicar ventas: Kafka no responde\n"
        "Qué hacer: docs/operations.md#a-run-failed\n"
        "https://airflow.example/dags/sales_window/runs/manual__2026-11-24T12%3A00%3A00%2B00%3A00"
    ]


def test_failed_task_without_notice_is_still_in_the_alert(sent: list[str]) -> None:
    send_alert(context({"publish_sales": "failed"}))
    assert f"Publicar ventas: {KILLED}" in sent[0]


def test_alert_names_both_the_failed_task_and_the_vm_left_on(
    sent: list[str],
) -> None:
    states = {"publish_sales": "failed", "stop_vm": "failed"}
    send_alert(context(states, {"publish_sales": "a", "stop_vm": "VM druid: QUOTA"}))
    [text] = sent
    assert "Publicar ventas: a\nApagar la VM: VM druid: QUOTA\n" in text
    assert "#a-run-failed, docs/operations.md#the-vm-was-left-on" in text


def test_mapped_task_shows_three_notices_and_none_if_another_task_left_one(sent: list[str]) -> None:
    states = {f"load_sales_{n}": "failed" for n in range(5)}
    notices = {"load_sales": [f"parte {n}" for n in range(5)]}
    send_alert(context(states, notices))
    assert sent[0].count("Publicar la carga: parte") == 3
    assert "Publicar la carga: y 2 más" in sent[0]
    send_alert(context({**states, "stop_vm": "failed"}, {**notices, "stop_vm": "x"}))
    assert "parte" not in sent[1]


def test_successful_run_without_notices_sends_no_alert(sent: list[str]) -> None:
    send_alert(context({"publish_sales": "success"}, reason="success", keep_vm=False))
    send_alert(context({"stop_vm": "skipped"}, reason="success", keep_vm=False))
    send_alert(context({"stop_vm": "upstream_failed"}, reason="success", keep_vm=True))
    assert sent == []


def test_successful_window_with_too_few_sales_sends_an_alert(sent: list[str]) -> None:
    send_alert(context({}, {"publish_sales": "La ventana cerró con 3 ventas"}, reason="success"))
    assert sent[0].startswith(
        "Ventana: terminó con avisos\nPublicar ventas: La ventana cerró con 3 ventas\n"
        "Qué hacer: docs/operations.md#a-window-ended-short\n"
    )


def test_successful_window_without_its_report_sends_an_alert(sent: list[str]) -> None:
    states, notices = {"write_report": "failed"}, {"write_report": "Druid no contesta"}
    send_alert(context(states, notices, reason="success"))
    assert sent[0].startswith(
        "Ventana: terminó con avisos\nEscribir el cierre del día: Druid no contesta\n"
        "Qué hacer: docs/operations.md#the-days-report-is-missing\n"
    )
    send_alert(context(states, {**notices, "publish_sales": "3 ventas"}, reason="success"))
    assert "#a-window-ended-short, docs/operations.md#the-days-report-is-missing" in sent[1]


def test_run_that_keeps_the_vm_on_sends_an_alert(sent: list[str]) -> None:
    send_alert(context({"stop_vm": "skipped"}, reason="success", keep_vm=True))
    assert "La VM queda encendida" in sent[0]
    assert "#the-vm-was-left-on" in sent[0]


def test_run_that_failed_without_a_task_sends_airflows_reason(sent: list[str]) -> None:
    send_alert({"dag": window(), "run_id": RUN, "reason": "timed_out"})
    assert sent[0].startswith("Ventana: falló\ntimed_out\n")


class Pushed:
    def __init__(self) -> None:
        self.value = ""

    def xcom_push(self, key: str, value: str) -> None:
        assert key == "notice"
        self.value = value


def noticed(error: BaseException) -> str:
    ti = Pushed()
    leave_notice({"exception": error, "ti": ti})  # type: ignore[typeddict-item]
    return ti.value


def test_notice_is_one_short_line_with_secrets_masked() -> None:
    mask_secret("hunter2-hunter2")
    assert noticed(AirflowException("a\n  b hunter2-hunter2")) == "a b ***"
    assert noticed(ValueError()) == "ValueError"
    assert len(noticed(ValueError("x" * 9999))) == 500


def test_notice_that_cannot_be_stored_raises_nothing() -> None:
    class Refusing:
        def xcom_push(self, **_: object) -> None:
            raise AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR))

    leave_notice({"exception": ValueError("x"), "ti": Refusing()})  # type: ignore[typeddict-item]


def test_callback_without_an_exception_stores_no_notice() -> None:
    ti = Pushed()
    leave_notice({"ti": ti})  # type: ignore[typeddict-item]
    assert ti.value == ""


def late(state: str, due: Any = "2026-11-25T00:30:00Z") -> Any:
    return {
        "dag_run": {
            "dag_id": "sales_window",
            "dag_run_id": RUN,
            "dag_display_name": "Ventana",
            "state": state,
        },
        "deadline": {"id": "1", "deadline_time": due},
    }


@pytest.mark.parametrize("due", ["2026-11-25T00:30:00Z", datetime(2026, 11, 25, 0, 30, tzinfo=UTC)])
def test_late_run_sends_an_alert_with_the_deadline_in_the_stores_time_zone(
    sent: list[str], due: Any
) -> None:
    asyncio.run(send_late_alert(late("running", due)))
    assert sent[0].startswith(
        "Ventana: no terminó a tiempo\nDebía terminar antes de las 21:30 y sigue en curso\n"
        "Qué hacer: docs/operations.md#a-run-is-late\n"
    )
    asyncio.run(send_late_alert(late("queued", due)))
    assert "espera su turno" in sent[1]


@pytest.mark.parametrize("state", ["failed", "success"])
def test_run_that_ended_before_its_deadline_sends_no_late_alert(
    sent: list[str], state: str
) -> None:
    asyncio.run(send_late_alert(late(state)))
    assert sent == []
