"""Waiting in the triggerer for a Druid supervisor: until it reads, or until all is handed off.

The connection is looked up, by id, where the trigger runs, so that no secret is stored with it.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, Literal

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from include.druid.client import DruidClient, DruidError, DruidUnreachableError
from include.druid.supervisor import NotPublishedError, describe, is_running, unsettled
from ventas_airflow.conditions import druid_client
from ventas_airflow.triggers.waiting import WaitTrigger

Goal = Literal["running", "settled"]


class SupervisorTrigger(WaitTrigger):
    """Waits until a supervisor reaches a goal.

    :param druid_conn_id: ingest connection, whose host and port are the router's
    :param supervisor: the supervisor's id
    :param goal: ``running`` (its tasks read the topic), or ``settled`` (suspended, tasks ended,
        every segment on a historical: Druid may be stopped)
    """

    def __init__(self, *, druid_conn_id: str, supervisor: str, goal: Goal, **common: Any) -> None:
        super().__init__(**common)
        self.druid_conn_id = druid_conn_id
        self.supervisor = supervisor
        self.goal = goal

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class's path and the arguments that make an equal trigger."""
        path, common = super().serialize()
        return path, {
            **common,
            "druid_conn_id": self.druid_conn_id,
            "supervisor": self.supervisor,
            "goal": self.goal,
        }

    @property
    def _since(self) -> datetime:
        """When the operator told Druid what to do."""
        return datetime.fromtimestamp(self.carry["started"], UTC)

    async def _outcome(self) -> dict[str, str]:
        client = await asyncio.to_thread(druid_client, self.druid_conn_id)
        # The client blocks: a look of its own would stop every other trigger meanwhile.
        return await self._until(
            lambda: asyncio.to_thread(self._missing, client),
            f"{self.supervisor} is {self.goal}",
        )

    def _missing(self, client: DruidClient) -> str:
        try:
            if self.goal == "settled":
                return unsettled(client, self.supervisor, self._since)
            status = client.supervisor_status(self.supervisor)
        except NotPublishedError as error:
            # Told again, Druid would say that nothing is left to do.
            raise AirflowFailException(str(error)) from error
        except DruidUnreachableError as error:
            return str(error)
        except DruidError as error:
            raise AirflowException(str(error)) from error
        return "" if is_running(status) else f"{self.supervisor} is {describe(status)}"
