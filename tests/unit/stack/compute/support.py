"""A process group in memory and a running emulator, for these tests and those of the operators."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from include.stack.compute import emulator as emulator_module
from include.stack.compute.app import KEEP_ALIVE, create_app
from include.stack.compute.emulator import Emulator
from include.stack.compute.injected_errors import Faults
from include.stack.compute.process_group import Group, ProcessGroup, ProcessGroupError
from include.waiting import Polling

PROJECT = "tienda"
ZONE = "southamerica-east1-a"


def vm_body(name: str = "druid", zone: str = ZONE) -> dict[str, Any]:
    """Return the smallest body that Compute Engine accepts for an instance."""
    return {
        "name": name,
        "machineType": f"zones/{zone}/machineTypes/n2-standard-4",
        "disks": [{"boot": True, "initializeParams": {"diskSizeGb": "100"}}],
        "networkInterfaces": [{"network": "global/networks/default"}],
        "labels": {"rol": "druid"},
    }


class MemoryPower:
    """Fake processes that start and stop at once; if ``held``, only when ``free()`` is called."""

    def __init__(self) -> None:
        self.running = False
        self.held = False
        self.fault = ""
        self.broken: tuple[str, ...] = ()
        self.commands: list[str] = []
        self.looks = 0
        self._wanted = False

    def start(self) -> None:
        self._command("start", running=True)

    def stop(self) -> None:
        self._command("stop", running=False)

    def observe(self) -> Group:
        self.looks += 1
        if self.fault:
            raise ProcessGroupError(self.fault)
        return Group(self.running, not self.running, self.broken)

    def free(self) -> None:
        self.held = False
        self.running = self._wanted

    def _command(self, name: str, *, running: bool) -> None:
        if self.fault:
            raise ProcessGroupError(self.fault)
        self.commands.append(name)
        self._wanted = running
        if not self.held:
            self.running = running


class Server:
    """The only HTTP server of this process; each test gives it its own emulator.

    It is shared because making the routes and stopping a server take longer than most tests.
    """

    def __init__(self, first: Emulator) -> None:
        self._app = create_app(first, faulty=True)
        listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        # Without lifespan, because each emulator begins and ends with its test.
        config = uvicorn.Config(
            self._app, log_level="warning", lifespan="off", timeout_keep_alive=KEEP_ALIVE
        )
        server = uvicorn.Server(config)
        threading.Thread(target=server.run, args=[[listener]], daemon=True).start()
        eventually(lambda: server.started)

    @contextmanager
    def showing(self, emulator: Emulator) -> Iterator[None]:
        self._app.state.emulator = emulator
        self._app.state.faults = Faults()
        with pytest.MonkeyPatch.context() as patch:
            # The fake processes change at once, so short intervals are enough.
            patch.setattr(emulator_module, "BUSY_INTERVAL", 0.005)
            patch.setattr(emulator_module, "IDLE_INTERVAL", 0.05)
            with emulator:
                yield
        # A request between two tests gets an error instead of a test's state.
        del self._app.state.emulator


@cache
def client() -> httpx.Client:
    """Return the client of all tests; a new one would read every certificate authority."""
    return httpx.Client(timeout=60)


_servers: list[Server] = []


@contextmanager
def serving(power: ProcessGroup, state_file: Path) -> Iterator[str]:
    """Run an emulator behind this process's server; yield the server's address."""
    emulator = Emulator(power, state_file)
    if not _servers:
        _servers.append(Server(emulator))
    with _servers[0].showing(emulator):
        yield _servers[0].address


def finished(operation: str) -> dict[str, Any]:
    """Return the operation of this URL once it is done."""
    found: dict[str, Any] = {}

    def is_done() -> bool:
        found.update(client().get(operation).json())
        return bool(found["status"] == "DONE")

    eventually(is_done)
    return found


def go_wrong(endpoint: str, code: str, **fault: Any) -> None:
    """Inject a fault into the emulator, with the fields of `faults.Fault`."""
    client().post(f"{endpoint}/faults", json={"code": code, **fault}).raise_for_status()


def go_well(endpoint: str) -> None:
    """Remove all faults."""
    client().delete(f"{endpoint}/faults").raise_for_status()


def interrupt(
    endpoint: str, kind: str = "compute.instances.hostError", zone: str = ZONE
) -> httpx.Response:
    """Let Compute Engine end the instance ``druid`` by itself."""
    asked = {"project": PROJECT, "zone": zone, "instance": "druid", "kind": kind}
    return client().post(f"{endpoint}/interruptions", json=asked)


def eventually(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until a condition holds, by the real clock: many tests give the project a fake one."""
    for _ in Polling(seconds, interval=0.02, clock=time.monotonic, sleep=time.sleep):
        if condition():
            return
    pytest.fail("the awaited condition never came to hold")
