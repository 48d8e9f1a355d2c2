"""The process group behind the virtual machine: start it, stop it, observe it.

The emulator uses the ``ProcessGroup`` protocol. ``SupervisorGroups`` starts and stops groups of
processes that supervisord keeps; ``AlwaysOn`` is for containers, where Druid runs all the time.
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


class ProcessGroupError(Exception):
    """The process group cannot be started, stopped or observed; the message says what to do."""


@dataclass(frozen=True)
class Group:
    """The real state of the process group at one moment.

    Attributes:
        running: whether every process has a pid.
        gone: whether no process is alive or about to be restarted.
        broken: the processes that ended and will not be restarted, each with its reason.
    """

    running: bool
    gone: bool
    broken: tuple[str, ...] = ()


class ProcessGroup(Protocol):
    """Starts, stops and watches the process group; each call returns at once."""

    def start(self) -> None:
        """Start every process that does not run."""

    def stop(self) -> None:
        """Begin to stop every process that runs."""

    def observe(self) -> Group:
        """Return the current state of the processes."""


# supervisord's state names, http://supervisord.org/subprocess.html#process-states
_UP = {"RUNNING", "STARTING"}
_ALIVE = _UP | {"BACKOFF", "STOPPING"}
_BROKEN = {"FATAL", "EXITED", "UNKNOWN"}


class SupervisorGroups:
    """Process groups of a supervisord, over its XML-RPC on a unix socket.

    The groups start in the given order, without waiting for each other. They stop in the reverse
    order, each only after the previous one has ended: Druid's processes take a minute to end
    without ZooKeeper.
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
            raise ProcessGroupError(f"supervisord could not start {', '.join(refused)}")

    def stop(self) -> None:
        """Stop the last group of processes; `observe` then stops the group before it, and so on.

        supervisord kills the processes that outlive their ``stopwaitsecs``.
        """
        self._stopping = True
        self.observe()

    def observe(self) -> Group:
        """Return the state of the groups' processes, from supervisord."""
        processes = [p for p in self._call("getAllProcessInfo") if p["group"] in self._groups]
        missing = [g for g in self._groups if g not in {p["group"] for p in processes}]
        if missing:
            raise ProcessGroupError(
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
        # A transport has one connection and is not thread-safe, so each call makes its own.
        transport = SupervisorTransport(serverurl=f"unix://{self._socket}")
        try:
            # ServerProxy requires an address, but the transport uses the socket.
            proxy = ServerProxy("http://localhost", transport=transport)
            return getattr(proxy.supervisor, method)(*arguments)
        except Fault as fault:
            raise ProcessGroupError(
                f"supervisord refused {method}{arguments}: {fault.faultString}"
            ) from fault
        except (OSError, HTTPException, ProtocolError) as error:
            raise ProcessGroupError(
                f"supervisord does not answer at {self._socket} ({error}): check that it runs"
            ) from error
        finally:
            transport.close()


class AlwaysOn:
    """A process group that always runs, because another program keeps it.

    The virtual machine still goes through every status for which its clients wait.
    """

    def __init__(self) -> None:
        # Before the first command, the group is neither running nor gone, so that an instance keeps
        # its status.
        self._on: bool | None = None

    def start(self) -> None:
        """Report the group as running from now on."""
        log.info("start: the processes run all the time, so nothing was started")
        self._on = True

    def stop(self) -> None:
        """Report the group as gone from now on, although it still runs."""
        log.warning(
            "stop: the instance becomes TERMINATED, but its processes continue to run: stop "
            "their containers by hand to free their memory"
        )
        self._on = False

    def observe(self) -> Group:
        """Return the state that the last command asked for."""
        return Group(running=self._on is True, gone=self._on is False)
