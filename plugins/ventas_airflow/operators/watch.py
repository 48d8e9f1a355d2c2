"""Operator that keeps the Druid VM on, and Druid ingesting, while sales are published."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from include.druid.client import DruidError
from include.names import DATASOURCE
from ventas_airflow.concurrent_runs import have_ended
from ventas_airflow.operators.compute import STARTING, Carry, EnsureDruidVmOperator, Result
from ventas_airflow.preconditions import druid_client
from ventas_airflow.triggers.druid_health import VmWatchTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

#: Seconds that one trigger watches; then the operator begins another watch.
WATCH = 86_400.0


class WatchDruidVmOperator(EnsureDruidVmOperator):
    """Keeps the VM on while tasks of its run publish: if it goes off, it is started again.

    Compute Engine may end a VM at any time: a Spot VM is preempted, a host breaks down, or an
    instance schedule stops it. Events published meanwhile wait in Kafka, and Druid reads on from
    the offsets that it has committed.

    The operator also ends the tasks that Druid has lost (see `include.druid.lost_tasks`). Druid
    then starts other tasks, which read on from the committed offsets.

    :param while_running: ids of the publishing tasks
    :param datasource: Druid datasource whose tasks may be lost

    Returns ``{"vm", "zone", "action": "watched", "seconds", "restarts"}``; a retry of the task
    counts from 0 again.
    """

    template_fields: Sequence[str] = (*EnsureDruidVmOperator.template_fields, "datasource")

    def __init__(
        self, *, while_running: Sequence[str], datasource: str = DATASOURCE, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.while_running = list(while_running)
        self.datasource = datasource

    def execute(self, context: Context) -> Result:
        """Watch until the tasks have ended."""
        now = time.time()
        return self.look(context, {"carry": {"started": now, "began": now, "restarts": 0}})

    def look(self, context: Context, event: dict[str, Any]) -> Result:
        """End lost tasks and start the VM if it is off; then watch on, unless the tasks have ended.

        The VM is started even after the tasks' end: Druid has still to read what they published.
        """
        carry = event["carry"]
        if event.get("status") == "over":
            # Compute Engine's client, for another look at the VM, would take seconds to import.
            return self._result(carry)
        if event.get("status") == "lost":
            self._end_lost_tasks(event["lost"])
        from ventas_airflow.hooks.compute import zone_of

        vm = self._find()
        if vm is None or vm["status"] not in ("RUNNING", *STARTING):
            self.log.warning(
                "VM %s is %s (its last operation: %s): starting it again. New events wait in Kafka",
                self.resource_id,
                vm["status"] if vm else "missing",
                (vm and self._hook().ended_by(vm)) or "not known",
            )
            return self._advance(context, {**carry, "started": time.time()})
        carry = {**carry, "zone": zone_of(vm)}
        if self._is_over(context):
            return self._result(carry)
        trigger = VmWatchTrigger(
            run=self._run(context),
            task_ids=self.while_running,
            druid_conn_id=self.druid_conn_id,
            datasource=self.datasource,
            **self._watched(carry, deadline=time.time() + WATCH),
        )
        return self._wait(context, trigger, "look", brief=0)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Result:
        """Watch on after a start, even after a failed one, as long as the tasks run."""
        carry = event["carry"]
        if event["status"] == "success":
            carry = {**carry, "restarts": carry["restarts"] + 1}
            self.log.info("VM %s runs again, and Druid is healthy", self.resource_id)
        elif event["status"] == "fatal" or self._is_over(context):
            return super().execute_complete(context, event)
        else:
            self.log.warning("%s", event["message"])
        if event["status"] == "exhausted":
            return self._pause(context, carry, "look")
        if event["status"] != "success":
            self._stop_in_vain(carry["zone"])
        return self.look(context, {"carry": carry})

    def _end_lost_tasks(self, tasks: Sequence[str]) -> None:
        """Make Druid end these tasks; a task that remains is found again by the next looks."""
        client = druid_client(self.druid_conn_id, retries=0)
        for task in tasks:
            try:
                client.shut_down_task(task)
            except DruidError as error:
                self.log.warning("The lost task %s of Druid could not be ended: %s", task, error)
            else:
                self.log.warning(
                    "Druid counted task %s as running, but no worker ran it: the task was ended, "
                    "and Druid starts another one",
                    task,
                )

    def _result(self, carry: Carry) -> Result:
        watched = {**carry, "action": "watched", "started": carry["began"]}
        return {**super()._result(watched), "restarts": carry["restarts"]}

    def _is_over(self, context: Context) -> bool:
        return have_ended(**self._run(context), task_ids=self.while_running)

    @staticmethod
    def _run(context: Context) -> dict[str, str]:
        return {"dag_id": context["ti"].dag_id, "run_id": context["ti"].run_id}
