"""The validation of sales in Druid: whether there is anything to validate, each check, the sum."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.sdk.types import RuntimeTaskInstanceProtocol

    from include.druid.check_file import Check
    from include.druid.checks import CheckResult
    from include.druid.client import DruidClient

log = logging.getLogger(__name__)

#: Seconds between looks while waiting.
_INTERVAL = 1.0


def druid_is_on(
    vm: Mapping[str, str],
    ti: RuntimeTaskInstanceProtocol,
    *,
    druid_conn_id: str = "druid_ingest_default",
    patience: float = 180.0,
) -> bool:
    """Whether the VM runs, once Druid on it has all its servers; why not is XCom ``motivo``.

    `vm` is ``project_id``, ``zone`` and ``resource_id``. `patience`: seconds that Druid has to
    become healthy, since results would be partial before; after that, AirflowException.
    """
    from include.druid.client import DruidError
    from include.druid.health import SERVERS_SQL, missing_servers

    deadline = time.monotonic() + patience
    while True:
        if reason := _vm_is_off(vm):
            log.info("Se omite la validación: %s", reason)
            ti.xcom_push(key="motivo", value=reason)
            return False
        try:
            servers = _client(druid_conn_id).sql(SERVERS_SQL)
            missing = ", ".join(missing_servers(str(row["server_type"]) for row in servers))
        except DruidError as error:
            missing = str(error)
        if not missing:
            return True
        if time.monotonic() > deadline:
            raise AirflowException(f"La VM está encendida pero Druid no está sano: {missing}")
        log.info("La VM está encendida y Druid todavía no: %s", missing)
        time.sleep(_INTERVAL)


def sales_expected(
    datasource: str,
    ti: RuntimeTaskInstanceProtocol,
    *,
    publisher: tuple[str, str] = ("sales_window", "publish_sales"),
    druid_conn_id: str = "druid_ingest_default",
    patience: float = 60.0,
) -> dict[str, Any]:
    """Whether new sales have to be seen now: ``{"abierta": bool, "motivo": str}``.

    They have to while the supervisor is not suspended and the producer (`publisher`: DAG and task)
    runs, from the first sale of its run that Druid shows. `patience`: seconds that this sale is
    waited for; after that it is overdue, and sales are expected all the same.
    """
    from include.druid.client import SupervisorMissingError

    client = _client(druid_conn_id)
    try:
        if client.supervisor_status(datasource)["suspended"]:
            return _window(False, "la ingesta está suspendida")
    except SupervisorMissingError:
        return _window(False, "todavía no hay supervisor de ingesta")
    deadline = time.monotonic() + patience
    dag_id, task_id = publisher
    while True:
        states = ti.get_task_states(dag_id=dag_id, task_ids=[task_id])
        running = [run for run, tasks in states.items() if tasks.get(task_id) == "running"]
        if not running:
            return _window(False, f"no corre ninguna tarea {task_id} de {dag_id}")
        if any(_has_sales(client, datasource, run) for run in running):
            return _window(True, f"se publica la corrida {', '.join(running)}")
        if time.monotonic() > deadline:
            return _window(True, f"ni una venta de {', '.join(running)} en {patience:g} s")
        time.sleep(_INTERVAL)


class RunCheckOperator(BaseOperator):
    """Runs one check of ``include/druid/sql/checks`` and hands over its `CheckResult`, as a dict.

    The result is an XCom even if the task fails (a violated error, without retries, or no answer
    of Druid's, with retries) or is skipped (no sales, none expected, too few).

    :param check: name of the check
    :param window: what `sales_expected` returned
    :param lookback_minutes: how far back the check looks
    :param vm: as in `druid_is_on`: no answer is no error once the VM is off
    """

    template_fields: Sequence[str] = ("check", "window", "datasource", "lookback_minutes", "vm")

    def __init__(
        self,
        *,
        check: str,
        window: Mapping[str, Any] | str,
        vm: Mapping[str, str],
        lookback_minutes: int | str = 60,
        datasource: str = "ventas",
        druid_broker_conn_id: str = "druid_broker_default",
        druid_conn_id: str = "druid_ingest_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.check = check
        self.window = window
        self.vm = vm
        self.lookback_minutes = lookback_minutes
        self.datasource = datasource
        self.druid_broker_conn_id = druid_broker_conn_id
        self.druid_conn_id = druid_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the check, and fail if it is an error that is violated."""
        from include.druid.checks import load_checks

        check = next(check for check in load_checks() if check.name == self.check)
        context["titulo"] = check.title  # type: ignore[typeddict-unknown-key]
        result, retry = self._result(check)
        text = f"{check.title}: {result.message}"
        if result.status in ("ok", "warning"):
            self.log.log(logging.INFO if result.status == "ok" else logging.WARNING, text)
            return result.to_dict()
        context["ti"].xcom_push(key="return_value", value=result.to_dict())
        if result.status == "skipped":
            raise AirflowSkipException(text)
        raise AirflowException(text) if retry else AirflowFailException(text)

    def _result(self, check: Check) -> tuple[CheckResult, bool]:
        """What came out, and whether trying again may change it."""
        from pydruid.db.exceptions import ProgrammingError  # type: ignore[import-untyped]
        from requests import RequestException

        from include.druid.checks import evaluate, fail, skip
        from include.druid.client import DruidUnreachableError

        assert isinstance(self.window, Mapping)  # noqa: S101 - rendered by now
        if check.when == "window_open" and not self.window["abierta"]:
            return skip(check, f"no se esperan ventas: {self.window['motivo']}"), False
        try:
            return evaluate(check, self._row(check)), False
        except (RequestException, DruidUnreachableError) as error:
            if reason := _vm_is_off(self.vm):
                return skip(check, reason), False
            return fail(check, f"Druid no responde ({error})"), True
        except ProgrammingError as error:
            if f"Object '{self.datasource}' not found" in str(error):
                if check.when == "window_open":
                    return fail(check, f"Druid no tiene el datasource {self.datasource}"), True
                return skip(check, f"no hay ventas todavía en {self.datasource}"), False
            # What Druid says of a query that can never run.
            retry = "(INVALID_INPUT)" not in str(error)
            return fail(check, f"la consulta falló: {error}"), retry

    def _row(self, check: Check) -> dict[str, Any] | None:
        if check.source == "supervisor":
            return _status(_client(self.druid_conn_id), self.datasource)

        from airflow.providers.apache.druid.hooks.druid import DruidDbApiHook

        from include.druid.checks import QUERY_CONTEXT

        hook = DruidDbApiHook(
            druid_broker_conn_id=self.druid_broker_conn_id,
            context={**QUERY_CONTEXT, "timeout": check.timeout * 1000},
        )
        rows = hook.get_records(
            check.query(self.datasource), {"lookback_minutes": int(self.lookback_minutes)}
        )
        if len(rows) > 1:
            raise AirflowFailException(f"{check.name}.sql devolvió {len(rows)} filas, no una")
        names = [column[0] for column in hook.last_description or ()]
        return dict(zip(names, rows[0], strict=True)) if rows else None


class SummarizeChecksOperator(BaseOperator):
    """Logs the results as a table and fails, with the numbers, if any is an error.

    :param checks: names of the checks that were to run
    :param results: what `RunCheckOperator` handed over

    The XCom is ``{"totals": {status: count}, "results": [CheckResult as a dict]}``, on failure too.
    """

    template_fields: Sequence[str] = ("checks", "results")

    def __init__(self, *, checks: Any, results: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.checks = checks
        self.results = results

    def execute(self, context: Context) -> None:
        """Sum up; a check that left no result is an error too."""
        from include.druid.checks import CheckResult, fail, load_checks, table, totals

        if not self.checks:
            raise AirflowFailException("No se validó nada: ver las tareas anteriores")
        found = {row["name"]: CheckResult(**row) for row in self.results or ()}
        results = [
            found.get(check.name) or fail(check, "sin resultado: ver el registro de su tarea")
            for check in load_checks()
            if check.name in self.checks
        ]
        counts = totals(results)
        context["ti"].xcom_push(
            key="return_value",
            value={"totals": counts, "results": [result.to_dict() for result in results]},
        )
        self.log.info("Validación de ventas: %s\n%s", counts, table(results))
        errors = [f"{r.title}: {r.message}" for r in results if r.status == "error"]
        if errors:
            raise AirflowFailException(f"{len(errors)} con error — {' | '.join(errors)}")


def _vm_is_off(vm: Mapping[str, str]) -> str:
    """Why there is no Druid to ask, or ''."""
    from ventas_airflow.hooks.compute import VentasComputeEngineHook

    status = VentasComputeEngineHook().vm_status(**vm)
    return "" if status == "RUNNING" else f"la VM {vm['resource_id']} está {status or 'sin crear'}"


def _client(druid_conn_id: str) -> DruidClient:
    from ventas_airflow.hooks.druid import DruidSupervisorHook

    hook: DruidSupervisorHook = DruidSupervisorHook(druid_conn_id)
    return hook.get_client()


def _window(is_open: bool, reason: str) -> dict[str, Any]:
    log.info("Ventana %s: %s", "abierta" if is_open else "cerrada", reason)
    return {"abierta": is_open, "motivo": reason}


def _has_sales(client: DruidClient, datasource: str, corrida: str) -> bool:
    from include.druid.client import DruidError
    from include.druid.queries import read_query

    try:
        rows = client.sql(read_query("reconcile/totals", datasource), [corrida])
    except DruidError as error:
        log.info("Druid todavía no muestra ventas: %s", error)
        return False
    return bool(rows and rows[0]["ventas"])


def _status(client: DruidClient, supervisor: str) -> dict[str, Any] | None:
    """The plain values of the supervisor's status report."""
    from include.druid.client import SupervisorMissingError

    try:
        status = client.supervisor_status(supervisor)
    except SupervisorMissingError:
        return None
    return {key: value for key, value in status.items() if not isinstance(value, dict | list)}
