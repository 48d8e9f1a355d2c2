"""Triggers that wait for the Druid VM, and for Druid on it.

A trigger carries no secret: it looks its connections up, by id, where it runs.
"""

from __future__ import annotations

import asyncio
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowException
from asgiref.sync import sync_to_async

from include.druid.client import DruidClient, DruidError, LoginRefusedError
from include.druid.health import missing_services
from include.druid.lost_tasks import LostTasks
from include.names import DATASOURCE, DRUID_CONNECTION
from ventas_airflow.concurrent_runs import have_ended
from ventas_airflow.preconditions import druid_client
from ventas_airflow.triggers.waiting import WaitTrigger

if TYPE_CHECKING:
    from ventas_airflow.hooks.compute import VentasComputeEngineHook, VmState

#: Seconds between two looks for lost tasks. A task that is lost was so for two looks.
LOST_INTERVAL = 10.0

#: Seconds that each request of such a look may take: the VM is not watched meanwhile.
LOST_TIMEOUT = 3.0


class VmTrigger(WaitTrigger):
    """Base class of the triggers that watch a VM, and perhaps an operation on it.

    The event's status is ``exhausted`` if the operation failed because the zone has no capacity.

    :param vm: ``project_id``, ``zone`` and ``resource_id``
    :param operation: name of the zone operation that has to end first, or None
    """

    def __init__(
        self, *, vm: dict[str, str], gcp_conn_id: str, operation: str | None, **common: Any
    ) -> None:
        super().__init__(**common)
        self.vm = vm
        self.gcp_conn_id = gcp_conn_id
        self.operation = operation

    def serialize(self) -> tuple[str, dict[str, Any]]:
        path, common = super().serialize()
        return path, {
            **common,
            "vm": self.vm,
            "gcp_conn_id": self.gcp_conn_id,
            "operation": self.operation,
        }

    @property
    def _reached(self) -> str:
        return f"VM {self._name} is ready"

    async def _outcome(self) -> dict[str, Any]:
        from ventas_airflow.hooks.compute_errors import ZoneExhausted

        try:
            return await self._reach()
        except ZoneExhausted as error:
            return {"status": "exhausted", "message": str(error)}

    async def _reach(self) -> dict[str, Any]:
        raise NotImplementedError

    async def _vm_state(self) -> VmState:
        # Google's clients block, and importing them takes seconds.
        return await asyncio.to_thread(self._look_at_vm)

    def _look_at_vm(self) -> VmState:
        return self._compute.look(**self.vm, operation=self.operation)

    @cached_property
    def _compute(self) -> VentasComputeEngineHook:
        from ventas_airflow.hooks.compute import VentasComputeEngineHook

        return VentasComputeEngineHook(gcp_conn_id=self.gcp_conn_id)

    @property
    def _under_way(self) -> str:
        """Text saying that the operation is in progress, with the command that shows it."""
        return (
            f"operation {self.operation} is in progress (gcloud compute operations describe "
            f"{self.operation} --zone={self.vm['zone']} --project={self.vm['project_id']})"
        )

    @property
    def _name(self) -> str:
        return self.vm["resource_id"]


class VmStatusTrigger(VmTrigger):
    """Waits until the VM has one of some statuses.

    :param statuses: the awaited statuses; None stands for a VM that does not exist
    :param hopeless: statuses that end the wait with an error, once the operation is over, because
        the VM does not reach an awaited status from them
    """

    def __init__(self, *, statuses: list[str | None], hopeless: list[str], **common: Any) -> None:
        super().__init__(**common)
        self.statuses = statuses
        self.hopeless = hopeless

    def serialize(self) -> tuple[str, dict[str, Any]]:
        path, common = super().serialize()
        return path, {**common, "statuses": self.statuses, "hopeless": self.hopeless}

    async def _reach(self) -> dict[str, str]:
        return await self._until(self._missing, self._reached)

    async def _missing(self) -> str:
        state = await self._vm_state()
        if state.trouble:
            return state.trouble
        if not state.settled:
            return f"VM {self._name} is {state.status or 'missing'}, {self._under_way}"
        if state.status in self.statuses:
            return ""
        wanted = " or ".join(status or "missing" for status in self.statuses)
        if state.status in self.hopeless:
            raise AirflowException(
                f"VM {self._name} is {state.status or 'missing'} and does not become {wanted}: "
                "somebody else changed it"
            )
        return f"VM {self._name} is {state.status or 'missing'}, not {wanted} yet"


class DruidHealthTrigger(VmTrigger):
    """Waits until the VM runs and Druid's router lists a server of each needed type.

    :param druid_conn_id: ingest connection; its schema, host and port are the router's
    """

    def __init__(self, *, druid_conn_id: str, **common: Any) -> None:
        super().__init__(**common)
        self.druid_conn_id = druid_conn_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        path, common = super().serialize()
        return path, {**common, "druid_conn_id": self.druid_conn_id}

    async def _reach(self) -> dict[str, str]:
        client = await asyncio.to_thread(druid_client, self.druid_conn_id, retries=0)
        return await self._until(lambda: self._missing(client), self._reached)

    async def _missing(self, client: DruidClient) -> str:
        druid = f"Druid at {client.url}"
        state = await self._vm_state()
        if state.trouble:
            return f"{state.trouble}; {druid} was not queried"
        if state.settled and state.status not in ("PROVISIONING", "STAGING", "RUNNING"):
            ended_by = await asyncio.to_thread(self._ended_by)
            raise AirflowException(
                f"VM {self._name} is {state.status or 'missing'}, so {druid} cannot start; the "
                f"VM's last operation: {ended_by or 'not known'}"
            )
        if not state.settled:
            return (
                f"VM {self._name} is {state.status or 'missing'} and {self._under_way}, so {druid} "
                "was not queried"
            )
        if state.status != "RUNNING":
            return f"VM {self._name} is {state.status or 'missing'}, so {druid} was not queried"
        try:
            # The client blocks: a call in this event loop would stop all other triggers meanwhile.
            missing = await asyncio.to_thread(missing_services, client)
        except LoginRefusedError as error:
            raise AirflowException(f"Connection '{self.druid_conn_id}': {error}") from error
        return f"VM {self._name} is RUNNING. {missing}" if missing else ""

    def _ended_by(self) -> str:
        vm = self._compute.find(
            project_id=self.vm["project_id"],
            zones=self.vm["zone"],
            resource_id=self._name,
            retries=0,
        )
        return self._compute.ended_by(vm) if vm else ""


class VmWatchTrigger(VmTrigger):
    """Waits until some tasks of a run have ended, the VM is off, or Druid has lost a task.

    The event's status is ``over`` if the run's tasks have ended and the VM is on. It is ``lost`` if
    Druid has lost tasks of its own; the event has their ids in ``lost``. Druid is asked only if the
    VM is on, and it need not answer, because it may still start: then the next look decides.

    :param run: ``dag_id`` and ``run_id``
    :param task_ids: ids of those tasks; each instance of a mapped task has to end
    :param druid_conn_id: ingest connection; its schema, host and port are the router's
    :param datasource: Druid datasource whose tasks may be lost
    """

    def __init__(
        self,
        *,
        run: dict[str, str],
        task_ids: list[str],
        # A trigger that was stored before an upgrade lacks these two. If Airflow 3.3 cannot make a
        # trigger, it begins no later one with the same id, and SQLite gives ids again.
        druid_conn_id: str = DRUID_CONNECTION,
        datasource: str = DATASOURCE,
        **common: Any,
    ) -> None:
        super().__init__(**common)
        self.run_of_tasks = run
        self.task_ids = task_ids
        self.druid_conn_id = druid_conn_id
        self.datasource = datasource
        self._over = False
        self._lost: list[str] = []
        self._lost_tasks = LostTasks()
        self._next_look = time.time() + LOST_INTERVAL
        self._no_answer = ""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        path, common = super().serialize()
        return path, {
            **common,
            "run": self.run_of_tasks,
            "task_ids": self.task_ids,
            "druid_conn_id": self.druid_conn_id,
            "datasource": self.datasource,
        }

    async def _reach(self) -> dict[str, Any]:
        event = await self._until(self._missing, f"VM {self._name} is off, or nothing needs it")
        if self._lost:
            message = f"Druid has lost the tasks {', '.join(self._lost)}"
            return {"status": "lost", "message": message, "lost": self._lost}
        return {**event, "status": "over"} if self._over else event

    async def _missing(self) -> str:
        state = await self._vm_state()
        if await sync_to_async(have_ended)(**self.run_of_tasks, task_ids=self.task_ids):
            self._over = state.status == "RUNNING"
            return ""
        if state.trouble:
            return state.trouble
        # A VM that Compute Engine restarts by itself passes through these statuses.
        if state.status not in ("PROVISIONING", "STAGING", "RUNNING"):
            return ""
        if state.status == "RUNNING" and time.time() >= self._next_look:
            await asyncio.to_thread(self._look_for_lost_tasks)
            if self._lost:
                return ""
        return f"VM {self._name} is on, and {', '.join(self.task_ids)} still run" + self._no_answer

    def _look_for_lost_tasks(self) -> None:
        try:
            self._lost = self._lost_tasks.look(self._druid, self.datasource)
            self._no_answer = ""
        except DruidError as error:
            self._no_answer = f"; whether Druid has lost tasks is not known: {error}"
        self._next_look = time.time() + LOST_INTERVAL

    @cached_property
    def _druid(self) -> DruidClient:
        return druid_client(self.druid_conn_id, retries=0, timeout=LOST_TIMEOUT)
