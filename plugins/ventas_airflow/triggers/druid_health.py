"""Triggers that wait for the Druid VM, and for Druid on it.

A trigger carries no secret: it looks its connections up, by id, where it runs.
"""

from __future__ import annotations

import asyncio
import ssl
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import httpx
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException
from asgiref.sync import sync_to_async

from include.druid.health import SERVERS_SQL, missing_servers
from ventas_airflow.concurrent_runs import have_ended
from ventas_airflow.triggers.waiting import WaitTrigger

if TYPE_CHECKING:
    from ventas_airflow.hooks.compute import VentasComputeEngineHook, VmState

# Seconds to wait for one HTTP answer of Druid.
HTTP_TIMEOUT = 5.0


@cache
def _default_trust() -> ssl.SSLContext:
    """Return httpx's default authorities; cached, since reading them blocks the loop for 50 ms."""
    return httpx.create_ssl_context()


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
        """Return the class's path and the arguments that make an equal trigger."""
        path, common = super().serialize()
        return path, {
            **common,
            "vm": self.vm,
            "gcp_conn_id": self.gcp_conn_id,
            "operation": self.operation,
        }

    @property
    def _reached(self) -> str:
        return f"nothing is missing on VM {self._name}"

    async def _outcome(self) -> dict[str, str]:
        from ventas_airflow.hooks.compute_errors import ZoneExhausted

        try:
            return await self._reach()
        except ZoneExhausted as error:
            return {"status": "exhausted", "message": str(error)}

    async def _reach(self) -> dict[str, str]:
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
        """Text saying that the operation goes on, with the command that shows it."""
        return (
            f"operation {self.operation} goes on (gcloud compute operations describe "
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
        """Return the class's path and the arguments that make an equal trigger."""
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
                f"VM {self._name} is {state.status or 'missing'} where it should become {wanted}: "
                "someone else changed it"
            )
        return f"VM {self._name} is {state.status or 'missing'}, it should become {wanted}"


class DruidHealthTrigger(VmTrigger):
    """Waits until the VM runs and Druid's router lists a server of each needed type.

    :param druid_conn_id: ingest connection; its schema, host and port are the router's
    """

    def __init__(self, *, druid_conn_id: str, **common: Any) -> None:
        super().__init__(**common)
        self.druid_conn_id = druid_conn_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class's path and the arguments that make an equal trigger."""
        path, common = super().serialize()
        return path, {**common, "druid_conn_id": self.druid_conn_id}

    async def _reach(self) -> dict[str, str]:
        from ventas_airflow.hooks.druid import router_url

        connection = await BaseHook.aget_connection(self.druid_conn_id)
        bundle = (await connection.aextra_dejson()).get("ca_bundle_path")
        async with httpx.AsyncClient(
            base_url=router_url(connection),
            auth=(connection.login, connection.password or "") if connection.login else None,
            verify=ssl.create_default_context(cafile=bundle) if bundle else _default_trust(),
            timeout=HTTP_TIMEOUT,
        ) as client:
            return await self._until(lambda: self._missing(client), self._reached)

    async def _missing(self, client: httpx.AsyncClient) -> str:
        druid = f"Druid at {str(client.base_url).rstrip('/')}"
        state = await self._vm_state()
        if state.trouble:
            return f"{state.trouble}; {druid} was not asked"
        if state.settled and state.status not in ("PROVISIONING", "STAGING", "RUNNING"):
            ended_by = await asyncio.to_thread(self._ended_by)
            raise AirflowException(
                f"VM {self._name} is {state.status or 'missing'} while {druid} was to start on it: "
                f"what was done to it last is {ended_by or 'not known'}"
            )
        if not state.settled:
            return (
                f"VM {self._name} is {state.status or 'missing'} and {self._under_way}, so {druid} "
                "was not asked"
            )
        if state.status != "RUNNING":
            return f"VM {self._name} is {state.status or 'missing'}, so {druid} was not asked"
        missing = await self._missing_of_druid(client, druid)
        return f"VM {self._name} is RUNNING, {missing}" if missing else ""

    def _ended_by(self) -> str:
        vm = self._compute.find(
            project_id=self.vm["project_id"],
            zones=self.vm["zone"],
            resource_id=self._name,
            retries=0,
        )
        return self._compute.ended_by(vm) if vm else ""

    async def _missing_of_druid(self, client: httpx.AsyncClient, druid: str) -> str:
        try:
            answer = await client.post("/druid/v2/sql", json={"query": SERVERS_SQL})
        except httpx.TransportError as error:
            return f"{druid} does not answer ({type(error).__name__})"
        if answer.status_code in (401, 403):
            raise AirflowException(
                f"{druid} refuses the login of connection '{self.druid_conn_id}' "
                f"(HTTP {answer.status_code})"
            )
        if answer.status_code != 200:
            return f"{druid} answers HTTP {answer.status_code}"
        try:
            present = [str(row["server_type"]) for row in answer.json()]
        except (ValueError, KeyError, TypeError):
            return f"{druid} answers something that is not a result"
        missing = missing_servers(present)
        return f"{druid} lacks {', '.join(missing)}" if missing else ""


class VmWatchTrigger(VmTrigger):
    """Waits until some tasks of a run have ended, or the VM is off.

    :param run: ``dag_id`` and ``run_id``
    :param task_ids: ids of those tasks; each instance of a mapped task has to end
    """

    def __init__(self, *, run: dict[str, str], task_ids: list[str], **common: Any) -> None:
        super().__init__(**common)
        self.run_of_tasks = run
        self.task_ids = task_ids

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class's path and the arguments that make an equal trigger."""
        path, common = super().serialize()
        return path, {**common, "run": self.run_of_tasks, "task_ids": self.task_ids}

    async def _reach(self) -> dict[str, str]:
        return await self._until(self._missing, f"VM {self._name} is off, or nothing needs it")

    async def _missing(self) -> str:
        if await sync_to_async(have_ended)(**self.run_of_tasks, task_ids=self.task_ids):
            return ""
        state = await self._vm_state()
        if state.trouble:
            return state.trouble
        # A VM that Compute Engine restarts by itself passes through these statuses.
        if state.status not in ("PROVISIONING", "STAGING", "RUNNING"):
            return ""
        return f"VM {self._name} is on while {', '.join(self.task_ids)} run"
