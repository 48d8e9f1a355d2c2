"""Base class of the triggers: polls until nothing is missing or the deadline is over.

It is the asynchronous counterpart of `include.waiting`. Its deadline is a Unix time, since a
trigger may move to another process while it waits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from airflow.sdk.exceptions import AirflowException, AirflowFailException
from airflow.triggers.base import BaseTrigger, TriggerEvent


class WaitTrigger(BaseTrigger):
    """Yields one event ``{"status", "message", "carry"}``.

    The status is ``success``, ``timeout``, ``error``, or ``fatal`` if a retry cannot succeed. A
    subclass may have others, and more keys.

    :param deadline: Unix time, in seconds, at which to give up
    :param poll_interval: seconds between looks
    :param carry: the operator's own state, which the event hands back to it when it resumes;
        ``dag.test()`` would lose the keyword arguments that an operator passes to ``defer``
    """

    def __init__(self, *, deadline: float, poll_interval: float, carry: dict[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.deadline = deadline
        self.poll_interval = poll_interval
        self.carry = carry

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "deadline": self.deadline,
            "poll_interval": self.poll_interval,
            "carry": self.carry,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield the one event; an AirflowException of a look ends the wait with an error."""
        try:
            event = await self._outcome()
        except AirflowException as error:
            fatal = isinstance(error, AirflowFailException)
            event = {"status": "fatal" if fatal else "error", "message": str(error)}
        yield TriggerEvent({**event, "carry": self.carry})  # type: ignore[no-untyped-call]

    async def first_event(self) -> dict[str, Any]:
        """Wait in this process instead of the triggerer, and return the event's payload."""
        async for event in self.run():
            payload: dict[str, Any] = event.payload
            return payload
        raise AirflowException("The trigger ended without an event")

    async def _outcome(self) -> dict[str, Any]:
        raise NotImplementedError

    async def _until(self, look: Callable[[], Awaitable[str]], reached: str) -> dict[str, str]:
        """Call ``look`` until it returns ''; it returns in words what is still missing."""
        logged = None
        while True:
            missing = await look()
            if not missing:
                return {"status": "success", "message": reached}
            if missing != logged:
                self.log.info("Waiting: %s", missing)
                logged = missing
            if time.time() + self.poll_interval > self.deadline:
                return {"status": "timeout", "message": missing}
            await asyncio.sleep(self.poll_interval)
