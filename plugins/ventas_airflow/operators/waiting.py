"""Base class of the operators that wait, with a deadline, in the triggerer or in their process."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException

if TYPE_CHECKING:
    from airflow.sdk import Context

    from ventas_airflow.triggers.waiting import WaitTrigger

# Seconds after the deadline in which the triggerer may still report the time-out itself.
TRIGGERER_GRACE = 60.0

#: Seconds that a task waits in its own process before it defers. To resume, Airflow schedules the
#: task again and starts another process for it, which takes about 4 s: a short wait ends sooner
#: without that.
BRIEF = 20.0


class WaitingOperator(BaseOperator):
    """Base class of operators that begin something and then wait for its end.

    :param poll_interval: seconds between looks while waiting
    :param timeout: seconds until the task gives up
    :param deferrable: after `BRIEF` seconds, wait in the triggerer instead of the task's process
    """

    def __init__(
        self,
        *,
        poll_interval: float = 1.0,
        timeout: float = 600.0,
        deferrable: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if poll_interval <= 0 or timeout <= 0:
            raise ValueError(
                f"poll_interval and timeout must be above 0 s, not {poll_interval} and {timeout}"
            )
        self.poll_interval = poll_interval
        self.timeout = timeout
        self.deferrable = deferrable

    def _flag(self, name: str) -> bool:
        """Return a boolean argument, which may be the text "true" or "false" if templated."""
        value = getattr(self, name)
        text = str(value).strip().lower()
        if text not in ("true", "false"):
            raise AirflowException(f"{name} must be true or false, not '{value}'")
        return text == "true"

    def _wait(
        self, context: Context, trigger: WaitTrigger, then: str, *, brief: float = BRIEF
    ) -> dict[str, Any]:
        """Wait for the trigger's event, then call the method named ``then`` with it.

        A deferrable task waits ``brief`` seconds in its own process first.
        """
        deadline = trigger.deadline
        if self.deferrable:
            trigger.deadline = min(deadline, time.time() + brief)
        event = asyncio.run(trigger.first_event())
        if event["status"] == "timeout" and trigger.deadline < deadline:
            trigger.deadline = deadline
            patience = max(0.0, deadline - time.time()) + TRIGGERER_GRACE
            self.defer(trigger=trigger, method_name=then, timeout=timedelta(seconds=patience))
        result: dict[str, Any] = getattr(self, then)(context, event=event)
        return result
