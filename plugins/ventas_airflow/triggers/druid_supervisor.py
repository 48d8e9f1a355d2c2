"""Trigger that waits until a Druid supervisor has read, or has handed off, the expected rows.

It looks its connection up, by id, where it runs, so that no secret is stored with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Literal

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from include.druid.client import DruidClient, DruidError, DruidUnreachableError
from include.druid.supervisor import (
    Expected,
    NotPublishedError,
    describe,
    is_running,
    missing_rows,
    unsettled,
)
from ventas_airflow.preconditions import druid_client
from ventas_airflow.triggers.waiting import WaitTrigger

Goal = Literal["complete", "settled"]


class SupervisorTrigger(WaitTrigger):
    """Waits until a supervisor reaches a goal.

    :param druid_conn_id: ingest connection, whose host and port are the router's
    :param supervisor: the supervisor's id
    :param goal: ``complete`` (its tasks have read the expected rows), or ``settled`` (the
        supervisor is suspended, its tasks have ended, and all segments and the expected rows are
        on historicals, so that Druid may be stopped; fatal if rows are missing then)
    :param expected: the fields of an `Expected`
    """

    def __init__(
        self,
        *,
        druid_conn_id: str,
        supervisor: str,
        goal: Goal,
        expected: Sequence[Any],
        **common: Any,
    ) -> None:
        super().__init__(**common)
        self.druid_conn_id = druid_conn_id
        self.supervisor = supervisor
        self.goal = goal
        self.expected = Expected(*expected)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        path, common = super().serialize()
        return path, {
            **common,
            "druid_conn_id": self.druid_conn_id,
            "supervisor": self.supervisor,
            "goal": self.goal,
            "expected": list(self.expected),
        }

    async def _outcome(self) -> dict[str, str]:
        client = await asyncio.to_thread(druid_client, self.druid_conn_id)
        # The client blocks: a call in this event loop would stop all other triggers meanwhile.
        return await self._until(
            lambda: asyncio.to_thread(self._missing, client),
            f"supervisor {self.supervisor} is {self.goal}",
        )

    def _missing(self, client: DruidClient) -> str:
        try:
            if self.goal == "settled":
                return unsettled(client, self.supervisor, self.expected)
            status = client.supervisor_status(self.supervisor)
            if is_running(status):
                return missing_rows(client, str(status["dataSource"]), self.expected)
        except NotPublishedError as error:
            raise AirflowFailException(str(error)) from error
        except DruidUnreachableError as error:
            return str(error)
        except DruidError as error:
            raise AirflowException(str(error)) from error
        return f"supervisor {self.supervisor} is {describe(status)}"
