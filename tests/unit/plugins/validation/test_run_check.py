"""A check's query through the broker's connection, and what its task does without an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from tests.unit.druid.support import SQL, Router, serving
from tests.unit.plugins.validation.support import IN_ZONE, VM, Pushed, execute
from tests.unit.stack.compute.support import eventually
from ventas_airflow.hooks.compute import VentasComputeEngineHook
from ventas_airflow.operators.validation import RunCheckOperator
from ventas_airflow.preconditions import vm_is_off

OPEN = {"open": True, "reason": "es una prueba"}
CLOSED = {"open": False, "reason": "la ingesta está suspendida"}


def check(name: str = "duplicates", window: dict[str, object] = OPEN) -> RunCheckOperator:
    return RunCheckOperator(task_id="run_check", check=name, window=window, vm=VM)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Router]:
    with serving() as router:
        address = urlsplit(router.url)
        connection = {"conn_type": "druid", "host": address.hostname, "port": address.port}
        monkeypatch.setenv("AIRFLOW_CONN_DRUID_BROKER_DEFAULT", json.dumps(connection))
        yield router


def test_query_has_the_look_back_as_parameter_and_asks_for_exact_numbers(broker: Router) -> None:
    broker.on("POST", SQL, (200, [{"ventas": 7, "duplicados": 0}]))
    assert execute(check(), Pushed())["numbers"] == {"ventas": 7, "duplicados": 0}
    [asked] = broker.asked
    assert "-?, CURRENT_TIMESTAMP" in asked.body["query"]
    assert asked.body["parameters"] == [{"type": "BIGINT", "value": 60}]
    assert asked.body["context"]["useApproximateCountDistinct"] is False
    assert asked.body["context"]["timeout"] == 30_000


@pytest.mark.parametrize(
    ("category", "message", "raised", "told"),
    [
        ("INVALID_INPUT", "Object 'ventas' not found", AirflowSkipException, "no hay ventas"),
        ("INVALID_INPUT", "Object 'otra' not found", AirflowFailException, "la consulta falló"),
        ("INVALID_INPUT", "Column 'x' not found", AirflowFailException, "la consulta falló"),
        ("TIMEOUT", "too slow", AirflowException, "la consulta falló: too slow"),
        ("DEFENSIVE", "broken", AirflowException, "la consulta falló.*broken"),
    ],
)
def test_query_that_can_never_run_fails_without_retries(
    broker: Router, category: str, message: str, raised: type[AirflowException], told: str
) -> None:
    broker.on("POST", SQL, (400, {"category": category, "errorMessage": message}))
    with pytest.raises(AirflowException, match=told) as error:
        execute(check(), Pushed())
    assert type(error.value) is raised


def test_every_try_stores_its_result_before_it_fails(
    vm: VentasComputeEngineHook, no_druid: str
) -> None:
    for _ in range(3):  # any try may be the last one
        ti = Pushed()
        with pytest.raises(AirflowException, match="Druid no responde") as error:
            execute(check(), ti)
        assert not isinstance(error.value, AirflowFailException), "it is worth a retry"
        assert (ti.value["name"], ti.value["status"]) == ("duplicates", "error")
        assert no_druid.split(":")[1] in ti.value["message"]


def test_check_is_skipped_if_the_vm_stopped_before_it(
    vm: VentasComputeEngineHook, no_druid: str
) -> None:
    assert vm_is_off(VM) == "", "what the first task of the run saw"
    vm.begin_stop(**IN_ZONE)
    eventually(lambda: vm_is_off(VM) == "la VM druid está TERMINATED")

    ti = Pushed()
    with pytest.raises(AirflowSkipException, match="la VM druid está TERMINATED"):
        execute(check(), ti)
    assert (ti.value["status"], ti.value["message"]) == ("skipped", "la VM druid está TERMINATED")


def test_open_window_check_is_skipped_while_no_sales_are_expected(no_druid: str) -> None:
    ti = Pushed()
    with pytest.raises(AirflowSkipException, match="la ingesta está suspendida"):
        execute(check("freshness", CLOSED), ti)
    assert ti.value["status"] == "skipped"
