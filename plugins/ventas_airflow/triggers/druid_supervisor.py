"""Waiting in the triggerer for a Druid supervisor: until it reads, or until all is handed off.

The connection is looked up, by id, where the trigger runs, so that no secret is stored with it. It
yields one event ``{"status": "success" | "timeout" | "error", "message": str, "carry": dict}``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Literal

from airflow.triggers.base import BaseTrigger, TriggerEvent

from include.druid.client import DruidClient, DruidError, DruidUnreachableError
from include.druid.supervisor import describe, is_running, unsettled

if TYPE_CHECKING:
    from ventas_airflow.hooks.druid import DruidSupervisorHook

Goal = Literal["running", "settled"]


class SupervisorTrigger(BaseTrigger):
    """Waits until a supervisor reaches a goal.

    :param druid_conn_id: ingest connection, whose host and port are the router's
    :param supervisor: the supervisor's id
    :param goal: ``running`` (its tasks read the topic), or ``settled`` (suspended, tasks ended,
        every segment on a historical: Druid may be stopped)
    :param deadline: Unix time, in seconds, at which to give up
    :param poll_interval: seconds between looks
    :param carry: what the event hands back to the operator that resumes
    """

    def __init__(
        self,
        *,
        druid_conn_id: str,
        supervisor: str,
        goal: Goal,
        deadline: float,
        poll_interval: float,
        carry: dict[str, Any],
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.druid_conn_id = druid_conn_id
        self.supervisor = supervisor
        self.goal = goal
        self.deadline = deadline
        self.poll_interval = poll_interval
        self.carry = carry

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class's path and the arguments that make an equal trigger."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "druid_conn_id": self.druid_conn_id,
            "supervisor": self.supervisor,
            "goal": self.goal,
            "deadline": self.deadline,
            "poll_interval": self.poll_interval,
            "carry": self.carry,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield the one event."""
        try:
            event = await self._outcome()
        except DruidError as error:
            event = {"status": "error", "message": str(error)}
        yield TriggerEvent({**event, "carry": self.carry})  # type: ignore[no-untyped-call]

    async def _outcome(self) -> dict[str, str]:
        client = await asyncio.to_thread(self._client)
        told = ""
        while True:
            # The client blocks: a look of its own would stop every other trigger meanwhile.
            missing = await asyncio.to_thread(self._missing, client)
            if not missing:
                return {"status": "success", "message": f"{self.supervisor} is {self.goal}"}
            if missing != told:
                self.log.info("Waiting: %s", missing)
                told = missing
            if time.time() + self.poll_interval > self.deadline:
                return {"status": "timeout", "message": missing}
            await asyncio.sleep(self.poll_interval)

    def _client(self) -> DruidClient:
        from ventas_airflow.hooks.druid import DruidSupervisorHook

        hook: DruidSupervisorHook = DruidSupervisorHook(self.druid_conn_id)
        return hook.get_client()

    def _missing(self, client: DruidClient) -> str:
        try:
            if self.goal == "settled":
                return unsettled(client, self.supervisor)
            status = client.supervisor_status(self.supervisor)
        except DruidUnreachableError as error:
            return str(error)
        return "" if is_running(status) else f"{self.supervisor} is {describe(status)}"
