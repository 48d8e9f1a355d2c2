"""Alerts about a run that failed, sold too little, is late, or left the VM on.

Each task leaves a notice, and when the run ends, Airflow's DAG processor sends the notices as one
message: a run with several failed tasks or several tries of a task still sends one alert.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from airflow.providers.common.compat.sdk import redact
from airflow.sdk.exceptions import AirflowRuntimeError

from include.names import REPORT_TASK, STOP_TASK, VALIDATION_DAG
from include.texts import text
from ventas_airflow.addresses import airflow_address

if TYPE_CHECKING:
    from airflow.sdk import DAG, Context

log = logging.getLogger(__name__)

#: Key of the XCom in which a task leaves its notice for the alert: one sentence.
NOTICE: Final = "notice"

#: The document that explains each alert, and its sections.
RUNBOOK: Final = "docs/operations.md"
FAILED, INVALID, SHORT, LATE, VM_LEFT_ON, NO_REPORT = (
    f"{RUNBOOK}#{heading}"
    for heading in (
        "a-run-failed",
        "validation-failed",
        "a-window-ended-short",
        "a-run-is-late",
        "the-vm-was-left-on",
        "the-days-report-is-missing",
    )
)

_STORES = ZoneInfo("America/Argentina/Buenos_Aires")

_LONGEST = 500
"""Most characters of a notice; the task's log has the whole text."""

_MOST_OF_A_TASK = 3
"""Most notices of a task in a message: a mapped task may leave hundreds."""


def leave_notice(context: Context) -> None:
    """Store a task's error as its notice for `send_alert`; a task's `on_failure_callback`.

    If the notice cannot be stored, the alert is sent without it.
    """
    error = context.get("exception")
    if error is None:  # the task's process died, and this process cannot write its XCom
        return
    try:
        context["ti"].xcom_push(key=NOTICE, value=sentence(error))
    except AirflowRuntimeError as refused:
        log.warning("The notice for the alert could not be stored: %s", refused)


def send_alert(context: Context) -> None:
    """Send the notices of a run as one alert; a DAG's failure and success callback.

    A run that succeeds without notices sends no alert.
    """
    from ventas_airflow.delivery import deliver

    dag, run_id = context["dag"], context["run_id"]
    states, notices = _left(context)
    failed = context.get("reason") != "success"
    where = [INVALID if dag.dag_id == VALIDATION_DAG else FAILED] if failed else []
    no_report = states.get(REPORT_TASK) == "failed"
    # A failed report leaves one notice of its own.
    if len(notices) > no_report and not failed:
        where.append(SHORT)
    if no_report:
        where.append(NO_REPORT)
    if context.get("params", {}).get("keep_vm") and states.get(STOP_TASK) == "skipped":
        notices.append(text("alert.vm_left_on"))
        where.append(VM_LEFT_ON)
    elif states.get(STOP_TASK) == "failed":
        where.append(VM_LEFT_ON)
    if where:
        key = "alert.failed" if failed else "alert.with_warnings"
        title = text(key, dag=dag.dag_display_name)
        notices = notices or [text("alert.no_reason")]
        deliver(title, message(title, notices, where, dag.dag_id, run_id))


async def send_late_alert(context: Mapping[str, Any]) -> None:
    """Alert that a run is late, unless it has ended; callback of a deadline, in the triggerer.

    Airflow keeps the deadline of a run that failed before it; `send_alert` has reported that.
    """
    from ventas_airflow.delivery import deliver

    run = context["dag_run"]
    if run["state"] not in ("queued", "running"):
        log.info("Run %s has already ended as %s", run["dag_run_id"], run["state"])
        return
    due = context["deadline"]["deadline_time"]
    due = due if isinstance(due, datetime) else datetime.fromisoformat(due)
    title = text("alert.late", dag=run["dag_display_name"])
    time = f"{due.astimezone(_STORES):%H:%M}"
    notice = text("alert.due", time=time, state=text(f"alert.{run['state']}"))
    body = message(title, [notice], [LATE], run["dag_id"], run["dag_run_id"])
    await asyncio.to_thread(deliver, title, body)


def message(
    title: str, notices: Sequence[str], where: Sequence[str], dag_id: str, run_id: str
) -> str:
    """Return the lines of an alert: what happened, what to do, and the address of the run."""
    page = airflow_address(f"/dags/{quote(dag_id)}/runs/{quote(run_id)}")
    what_to_do = text("alert.what_to_do", sections=", ".join(where))
    return "\n".join([title, *notices, what_to_do, page])


def sentence(error: BaseException | str) -> str:
    """Return an error's text on one line, with the secrets that Airflow knows masked."""
    line = " ".join(str(redact(str(error))).split()) or type(error).__name__
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _left(context: Context) -> tuple[Mapping[str, str | None], list[str]]:
    """Return the states by task (by task and index for a mapped task) and the notices."""
    dag, ti = context["dag"], context.get("ti")
    if ti is None:  # the run failed without a task, and Airflow gives the reason
        return {}, [str(context.get("reason"))]
    states = ti.get_task_states(dag_id=dag.dag_id, run_ids=[context["run_id"]])
    states = states.get(context["run_id"], {})
    each = {task.task_id: list(_of_task(context, dag, task.task_id, states)) for task in dag.tasks}
    single = [notices for task_id, notices in each.items() if not dag.get_task(task_id).is_mapped]
    # Mapped tasks count only if no other task left a notice: a later task sums up their results.
    return states, list(chain(*single)) or list(chain(*each.values()))


def _of_task(
    context: Context, dag: DAG, task_id: str, states: Mapping[str, str | None]
) -> Iterator[str]:
    """Yield a task's notices, each with the task's name before it."""
    name = dag.get_task(task_id).task_display_name
    pulled = context["ti"].xcom_pull(task_ids=task_id, key=NOTICE)
    left = [notice for notice in (pulled if isinstance(pulled, list) else [pulled]) if notice]
    failed = [
        key
        for key, state in states.items()
        if state == "failed" and (key == task_id or key.removeprefix(f"{task_id}_").isdigit())
    ]
    if failed and not left:
        left = [text("alert.no_reason")]
    yield from (f"{name}: {notice}" for notice in left[:_MOST_OF_A_TASK])
    if len(left) > _MOST_OF_A_TASK:
        yield f"{name}: {text('alert.more', count=len(left) - _MOST_OF_A_TASK)}"
