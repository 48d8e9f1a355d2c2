"""A process group in memory and a running emulator, for the tests here and of the operators."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from include.stack.compute.app import create_app
from include.stack.compute.emulator import Emulator
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
        self._wanted = False

    def start(self) -> None:
        self._command("start", running=True)

    def stop(self) -> None:
        self._command("stop", running=False)

    def observe(self) -> Group:
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


@contextmanager
def serving(power: Power, state_file: Path) -> Iterator[str]:
    """Run the emulator on a free port; give its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        create_app(Emulator(power, state_file), faulty=True),
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        eventually(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def go_wrong(endpoint: str, code: str, **fault: Any) -> None:
    """Ask the emulator for a fault, as `faults.Fault` has it."""
    httpx.post(f"{endpoint}/faults", json={"code": code, **fault}).raise_for_status()


def go_well(endpoint: str) -> None:
    """Take every fault back."""
    httpx.delete(f"{endpoint}/faults").raise_for_status()


def interrupt(
    endpoint: str, kind: str = "compute.instances.hostError", zone: str = ZONE
) -> httpx.Response:
    """Let Compute Engine end the instance ``druid`` by itself."""
    asked = {"project": PROJECT, "zone": zone, "instance": "druid", "kind": kind}
    return httpx.post(f"{endpoint}/interruptions", json=asked)


def eventually(condition: Callable[[], object], seconds: float = 15.0) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the awaited condition never came to hold"
        time.sleep(0.02)
