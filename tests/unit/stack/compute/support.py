"""A process group in memory and a running emulator, for the tests here and of the operators."""

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
from include.stack.compute.app import create_app
from include.stack.compute.emulator import Emulator
from include.stack.compute.faults import Faults
from include.stack.compute.power import Group, Power, PowerError

PROJECT = "tienda"
ZONE = "southamerica-east1-a"


def vm_body(name: str = "druid", zone: str = ZONE) -> dict[str, Any]:
    """The least that Compute Engine takes for an instance."""
    return {
        "name": name,
        "machineType": f"zones/{zone}/machineTypes/n2-standard-4",
        "disks": [{"boot": True, "initializeParams": {"diskSizeGb": "100"}}],
        "networkInterfaces": [{"network": "global/networks/default"}],
        "labels": {"rol": "druid"},
    }


class MemoryPower:
    """Processes that come and go at once, or when ``free()`` is called if ``held``."""

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
            raise PowerError(self.fault)
        return Group(self.running, not self.running, self.broken)

    def free(self) -> None:
        self.held = False
        self.running = self._wanted

    def _command(self, name: str, *, running: bool) -> None:
        if self.fault:
            raise PowerError(self.fault)
        self.commands.append(name)
        self._wanted = running
        if not self.held:
            self.running = running


class Server:
    """A process's only HTTP server, whose emulator is each test's own.

    Making the routes and ending a server take longer than most tests.
    """

    def __init__(self, first: Emulator) -> None:
        self._app = create_app(first, faulty=True)
        listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        # Without lifespan: an emulator begins and ends with the test.
        server = uvicorn.Server(uvicorn.Config(self._app, log_level="warning", lifespan="off"))
        threading.Thread(target=server.run, args=[[listener]], daemon=True).start()
        eventually(lambda: server.started)

    @contextmanager
    def showing(self, emulator: Emulator) -> Iterator[None]:
        self._app.state.emulator = emulator
        self._app.state.faults = Faults()
        with pytest.MonkeyPatch.context() as patch:
            # Processes in memory change at once.
            patch.setattr(emulator_module, "BUSY_INTERVAL", 0.005)
            patch.setattr(emulator_module, "IDLE_INTERVAL", 0.05)
            with emulator:
                yield
        # Who asks between two tests gets an error, and none of a test's state.
        del self._app.state.emulator


@cache
def client() -> httpx.Client:
    """The client of all tests: making one reads every certificate authority."""
    return httpx.Client(timeout=60)


_servers: list[Server] = []


@contextmanager
def serving(power: Power, state_file: Path) -> Iterator[str]:
    """Run an emulator behind this process's server; give its address."""
    emulator = Emulator(power, state_file)
    if not _servers:
        _servers.append(Server(emulator))
    with _servers[0].showing(emulator):
        yield _servers[0].address


def go_wrong(endpoint: str, code: str, **fault: Any) -> None:
    """Ask the emulator for a fault, as `faults.Fault` has it."""
    client().post(f"{endpoint}/faults", json={"code": code, **fault}).raise_for_status()


def go_well(endpoint: str) -> None:
    """Take every fault back."""
    client().delete(f"{endpoint}/faults").raise_for_status()


def interrupt(
    endpoint: str, kind: str = "compute.instances.hostError", zone: str = ZONE
) -> httpx.Response:
    """Let Compute Engine end the instance ``druid`` by itself."""
    asked = {"project": PROJECT, "zone": zone, "instance": "druid", "kind": kind}
    return client().post(f"{endpoint}/interruptions", json=asked)


def eventually(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the awaited condition never came to hold"
        time.sleep(0.02)
