"""The brokers that schedules harm: one that a schedule stops, or a cluster of several nodes."""

import asyncio
import os
import signal
from contextlib import suppress
from typing import NamedTuple, Protocol

from commands.chaos.network.harms import Harm


class Brokers(Protocol):
    """Brokers to harm."""

    def hurt(self, harm: Harm, port: int) -> bool:
        """Begin a harm and return true, or return false if no further node can be harmed now.

        `port` is that of the broker that gets the request which triggered the harm.
        """

    async def calm(self) -> None:
        """Wait until no broker is harmed and all answer."""


class OneBroker(NamedTuple):
    """A broker that can only be stopped (SIGSTOP)."""

    pid: int

    def hurt(self, harm: Harm, port: int) -> bool:  # noqa: ARG002 - there is one
        pause(self.pid, harm.seconds)
        return True

    async def calm(self) -> None:
        """Return at once: a broker that is stopped answers later."""


def pause(pid: int, seconds: float) -> None:
    """Stop a process (SIGSTOP) for some seconds."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
        asyncio.get_running_loop().call_later(seconds, _resume, pid)


def _resume(pid: int) -> None:
    # The process may have been killed meanwhile.
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
