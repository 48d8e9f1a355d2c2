"""Conditions of the validation: whether Druid is on, and whether sales are expected now."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowException

from include.druid.health import FIRST_SALE_SECONDS, STARTING_SECONDS
from include.names import DRUID_CONNECTION, PUBLISH_TASK, WINDOW_DAG
from include.texts import text
from include.waiting import Polling

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol

    from include.druid.client import DruidClient

log = logging.getLogger(__name__)

#: Seconds between looks while waiting.
_INTERVAL = 1.0


def druid_is_on(
    vm: Mapping[str, Any],
    ti: RuntimeTaskInstanceProtocol,
    *,
    druid_conn_id: str = DRUID_CONNECTION,
    patience: float = STARTING_SECONDS,
) -> bool:
    """Return whether the VM runs; if it does, wait first until Druid has all its servers.

    If the VM is off, XCom ``reason`` says why. `vm` is ``project_id``, ``zones`` and
    ``resource_id``. `patience`: seconds that Druid has to become healthy, since before that the
    results would be partial; after them, AirflowException.
    """
    from include.druid.health import missing_services

    for _ in Polling(patience, interval=_INTERVAL):
        if reason := vm_is_off(vm):
            log.info("The validation is skipped: %s", reason)
            ti.xcom_push(key="reason", value=reason)
            return False
        missing = missing_services(druid_client(druid_conn_id, retries=0))
        if not missing:
            return True
        log.info("The VM is on, but Druid is not healthy yet: %s", missing)
    raise AirflowException(text("expected_sales.unhealthy", missing=missing))


def sales_expected(
    datasource: str,
    ti: RuntimeTaskInstanceProtocol,
    *,
    publisher: tuple[str, str] = (WINDOW_DAG, PUBLISH_TASK),
    druid_conn_id: str = DRUID_CONNECTION,
    patience: float = FIRST_SALE_SECONDS,
) -> dict[str, Any]:
    """Return whether Druid should show new sales now: ``{"open": bool, "reason": str}``.

    It should while the supervisor is not suspended and the producer (`publisher`: DAG and task)
    runs, from the moment at which Druid shows the first sale of its run. `patience`: seconds to
    wait for that sale; after them it is overdue, and sales are expected all the same.
    """
    from include.druid.client import SupervisorMissingError

    client = druid_client(druid_conn_id)
    try:
        if client.supervisor_status(datasource)["suspended"]:
            return _window(False, text("expected_sales.suspended"))
    except SupervisorMissingError:
        return _window(False, text("expected_sales.no_supervisor"))
    dag_id, task_id = publisher
    for _ in Polling(patience, interval=_INTERVAL):
        states = ti.get_task_states(dag_id=dag_id, task_ids=[task_id])
        running = [run for run, tasks in states.items() if tasks.get(task_id) == "running"]
        if not running:
            return _window(False, text("expected_sales.no_task", task=task_id, dag=dag_id))
        runs = ", ".join(running)
        if any(_has_sales(client, datasource, run) for run in running):
            return _window(True, text("expected_sales.publishing", runs=runs))
    return _window(True, text("expected_sales.overdue", runs=runs, seconds=f"{patience:g}"))


def vm_is_off(vm: Mapping[str, Any]) -> str:
    """Return why Druid cannot answer, in words, or '' if its VM is running."""
    from ventas_airflow.hooks.compute import VentasComputeEngineHook

    found = VentasComputeEngineHook().find(**vm)
    status = found["status"] if found else text("expected_sales.vm_missing")
    if status == "RUNNING":
        return ""
    return text("expected_sales.vm_off", vm=vm["resource_id"], status=status)


def druid_client(druid_conn_id: str, **options: Any) -> DruidClient:
    """Return a client of the Druid router that an ingest connection names.

    `options` go to `DruidClient`.
    """
    from ventas_airflow.hooks.druid import DruidSupervisorHook

    hook: DruidSupervisorHook = DruidSupervisorHook(druid_conn_id)
    return hook.get_client(**options)


def _window(is_open: bool, reason: str) -> dict[str, Any]:
    log.info("Sales are %s: %s", "expected" if is_open else "not expected", reason)
    return {"open": is_open, "reason": reason}


def _has_sales(client: DruidClient, datasource: str, corrida: str) -> bool:
    from include.druid.client import DruidError
    from include.druid.queries import SQL, read_query

    try:
        rows = client.sql(read_query(SQL / "reconcile" / "totals.sql", datasource), [corrida])
    except DruidError as error:
        log.info("Druid shows no sales yet: %s", error)
        return False
    return bool(rows and rows[0]["sales"])
