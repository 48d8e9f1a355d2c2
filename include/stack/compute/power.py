"""The switch behind the virtual machine: groups of processes that supervisord keeps.

The emulator only needs three things of it, told by the ``Power`` protocol; ``SupervisorGroups``
is the real one, and ``AlwaysOn`` stands in where Druid runs all the time, in containers.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol
from xmlrpc.client import Fault, ProtocolError, ServerProxy

from supervisor.xmlrpc import Faults, SupervisorTransport

log = logging.getLogger(__name__)


class PowerError(Exception):
    """The process group cannot be started, stopped or seen; the message says what to do."""


@dataclass(frozen=True)
class Group:
    """What the process group really does at one moment.

    ``running``: every process has a pid. ``gone``: no process is alive or about to be restarted.
    ``broken``: those that ended and will not come back by themselves, each with its reason.
    """

    running: bool
    gone: bool
    broken: tuple[str, ...] = ()


class Power(Protocol):
    """Starts, stops and watches the process group; each call returns at once."""

    def start(self) -> None:
        """Tell every process to start; those that run are left alone."""

    def stop(self) -> None:
        """Tell every process to stop, all at the same time; those that stopped are left alone."""

    def observe(self) -> Group:
        """Return what the processes do now."""


# supervisord's state names, http://supervisord.org/subprocess.html#process-states
_UP = {"RUNNING", "STARTING"}
_ALIVE = _UP | {"BACKOFF", "STOPPING"}
_BROKEN = {"FATAL", "EXITED", "UNKNOWN"}


class SupervisorGroups:
    """supervisord process groups, over its XML-RPC on a unix socket.

    They start in the order given, without waiting for each other, and stop in the reverse order,
    each when the one before is gone: Druid's processes take a minute to end without ZooKeeper.
    """

    def __init__(self, socket: Path, groups: Sequence[str]) -> None:
        self._socket = socket
        self._groups = tuple(groups)
        self._stopping = False

    def start(self) -> None:
        """Spawn the processes without waiting for supervisord's ``startsecs``."""
        self._stopping = False
        results = [r for g in self._groups for r in self._call("startProcessGroup", g, False)]
        refused = [
            f"{result['name']} ({result['description']})"
            for result in results
            if result["status"] not in (Faults.SUCCESS, Faults.ALREADY_STARTED)
        ]
        if refused:
            raise PowerError(f"supervisord could not start {', '.join(refused)}")

    def stop(self) -> None:
        """Signal the last group; `observe` goes on to the group before it once that is gone.

        supervisord kills the processes that outlive their ``stopwaitsecs``.
        """
        self._stopping = True
        self.observe()

    def observe(self) -> Group:
        """Return what supervisord says of the groups' processes."""
        processes = [p for p in self._call("getAllProcessInfo") if p["group"] in self._groups]
        missing = [g for g in self._groups if g not in {p["group"] for p in processes}]
        if missing:
            raise PowerError(
                f"supervisord at {self._socket} has no process group '{missing[0]}': "
                f"add a [group:{missing[0]}] section to its configuration"
            )
        if self._stopping:
            self._stop_last(processes)
        return Group(
            running=all(p["statename"] in _UP and p["pid"] for p in processes),
            gone=not any(p["statename"] in _ALIVE for p in processes),
            broken=tuple(
                f"{p['name']} is {p['statename']} ({p['spawnerr'] or p['description']}), "
                f"see {p['stderr_logfile'] or p['stdout_logfile']}"
                for p in processes
                if p["statename"] in _BROKEN
            ),
        )

    def _stop_last(self, processes: list[dict[str, Any]]) -> None:
        for group in reversed(self._groups):
            states = {p["statename"] for p in processes if p["group"] == group}
            if states & _ALIVE:
                if states & (_UP | {"BACKOFF"}):
                    self._call("stopProcessGroup", group, False)
                return

    def _call(self, method: str, *arguments: object) -> Any:
        # A transport holds one connection and is not thread-safe, so each call has its own.
        transport = SupervisorTransport(serverurl=f"unix://{self._socket}")
        try:
            # The address is only there for form: the transport goes to the socket.
            proxy = ServerProxy("http://localhost", transport=transport)
            return getattr(proxy.supervisor, method)(*arguments)
        except Fault as fault:
            raise PowerError(
                f"supervisord refused {method} {arguments or ''}: {fault.faultString}"
            ) from fault
        except (OSError, HTTPException, ProtocolError) as error:
            raise PowerError(
                f"supervisord does not answer at {self._socket} ({error}): is it running?"
            ) from error
        finally:
            transport.close()


class AlwaysOn:
    """A switch without a wire: the processes run all the time, and someone else keeps them.

    The virtual machine still takes every status that its clients wait for.
    """

    def __init__(self) -> None:
        # Until the first command neither is observed, so that an instance stays as it was left.
        self._on: bool | None = None

    def start(self) -> None:
        """Let the group be seen running."""
        log.info("start: the processes run all the time, there was nothing to start")
        self._on = True

    def stop(self) -> None:
        """Let the group be seen gone, although it runs on."""
        log.warning(
            "stop: the instance will be TERMINATED, but its processes go on running: "
            "stop their containers by hand to free their memory"
        )
        self._on = False

    def observe(self) -> Group:
        """Return what the last command asked for."""
        return Group(running=self._on is True, gone=self._on is False)
