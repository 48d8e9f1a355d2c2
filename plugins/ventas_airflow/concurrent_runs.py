"""Runs that use Druid at the same time: only the last one closes the ingestion and stops the VM.

Each run looks at the tasks of the others, and the order of the tasks makes it safe. A run that
has begun to close the ingestion no longer counts as ingesting, so of two runs that close at the
same time at least one suspends the supervisor. It still counts as needing the VM, so the VM stays
on until each of them has handed off.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Final

from airflow.sdk.exceptions import AirflowException

from include.names import BACKFILL_DAG, START_TASK, SUBMIT_TASK, SUSPEND_TASK, WINDOW_DAG
from include.waiting import Polling

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol

log = logging.getLogger(__name__)

#: The DAGs that start the VM and open the ingestion; their tasks have these names.
SHARERS: Final = (BACKFILL_DAG, WINDOW_DAG)
STARTS, OPENS, CLOSES = TASKS = (START_TASK, SUBMIT_TASK, SUSPEND_TASK)

_TO_COME = (None, "scheduled", "queued", "up_for_retry", "up_for_reschedule", "restarting")
_ON_ITS_WAY = ("scheduled", "queued", "running", "deferred", "up_for_retry", "restarting")
_ENDED = ("success", "failed", "skipped", "upstream_failed", "removed")


class Stage(Enum):
    """How far a run is in its use of Druid."""

    NONE = "does not use it"
    """The run does not use Druid yet, has ended its use, or never will: it will not close it."""
    OPENING = "is about to use it, unless that fails"
    OPEN = "uses it, and will close it"
    CLOSING = "hands off what it has ingested"


def stage(states: Mapping[str, str | None]) -> Stage:
    """Return the stage of a run, from the states of its `TASKS`."""
    starts, opens, closes = (states.get(task) for task in TASKS)
    if closes not in _TO_COME:
        return Stage.NONE if closes in _ENDED else Stage.CLOSING
    if opens == "success":
        return Stage.OPEN
    if starts in _ON_ITS_WAY or (starts == "success" and opens not in _ENDED):
        return Stage.OPENING
    return Stage.NONE


def have_ended(*, dag_id: str, run_id: str, task_ids: Sequence[str]) -> bool:
    """Return whether some tasks of a run, with each instance of a mapped task, have ended."""
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    states = RuntimeTaskInstance.get_task_states(
        dag_id=dag_id, task_ids=list(task_ids), run_ids=[run_id]
    )
    return all(state in _ENDED for state in states[run_id].values())


def users(
    ti: RuntimeTaskInstanceProtocol, sharers: Sequence[str], *, patience: float, interval: float
) -> dict[str, Stage]:
    """Return the stage of each other run that uses Druid, by DAG and run.

    Wait first until no run is in the stage `OPENING`.

    :param sharers: ids of the DAGs whose runs use it
    :param patience: seconds that a run has to leave the stage `OPENING`, by using Druid or by
        failing; after them, AirflowException
    :param interval: seconds between looks
    """
    for _ in Polling(patience, interval=interval):
        found = _others(ti, sharers)
        opening = [run for run, reached in found.items() if reached is Stage.OPENING]
        if not opening:
            return found
        log.info("Waiting until %s uses Druid or fails to start it", opening[0])
    raise AirflowException(
        f"{opening[0]} did not start to use Druid within {patience:g} s: look at its tasks "
        f"{STARTS} and {OPENS}"
    )


def _others(ti: RuntimeTaskInstanceProtocol, sharers: Sequence[str]) -> dict[str, Stage]:
    """Return the stage of each other run of some DAGs that uses Druid, by DAG and run."""
    found = {}
    for dag_id in sharers:
        for run_id, states in ti.get_task_states(dag_id=dag_id, task_ids=list(TASKS)).items():
            if (dag_id, run_id) == (ti.dag_id, ti.run_id):
                continue
            # A run that a person marked as ended may still have tasks without a state.
            if stage(states) is not Stage.NONE and ti.get_dagrun_state(dag_id, run_id) == "running":
                found[f"{dag_id}/{run_id}"] = stage(states)
    return found
