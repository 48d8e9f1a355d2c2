"""The load of a round: run the producer's process, and start it again whenever it dies."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from commands.chaos.producer import KAFKA_VARIABLE
from include.stack.settings import ROOT
from include.waiting import Polling

RATE = 220.0
"""Sales per second; a sale has about two events."""

_STOP_PATIENCE = 60.0


class LoadError(RuntimeError):
    """The producer ended unexpectedly, or does not end; the message names its log."""


class Load:
    """A run of the producer, over all its processes; a `with` block starts and ends it."""

    def __init__(self, kafka: Mapping[str, Any], corrida: str, log: Path) -> None:
        """Prepare a run with this name.

        `kafka` is librdkafka's configuration. The producer's standard error is appended to `log`.
        """
        self._log = log
        self.corrida = corrida
        self.acknowledged = 0
        """Events that Kafka acknowledged, by the producer's last report."""
        self._command = [
            *(sys.executable, "-m", "commands.chaos.producer"),
            *("--corrida", corrida, "--rate", str(RATE)),
        ]
        self._environment = {**os.environ, KAFKA_VARIABLE: json.dumps(kafka)}
        self._ending = threading.Event()
        self._ended = False
        self._process: subprocess.Popen[str] | None = None
        self._keeper = threading.Thread(target=self._keep, daemon=True)

    def __enter__(self) -> Self:
        self._keeper.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.set()
        if self._process and self._process.poll() is None:
            self._process.kill()
        self._keeper.join()

    def processes(self) -> list[psutil.Process]:
        """Return the producer's process, if it runs now; after its end a new one resumes."""
        with suppress(psutil.NoSuchProcess):
            if self._process:
                return [psutil.Process(self._process.pid)]
        return []

    def finish(self) -> int:
        """Stop the producer with SIGTERM and return the number of acknowledged events.

        Raises:
            LoadError: the producer did not end, or ended without its last report.
        """
        self._ending.set()
        for _ in Polling(_STOP_PATIENCE, interval=1, sleep=self._keeper.join):
            if not self._keeper.is_alive():
                break
            if self._process:
                self._process.terminate()
        else:
            raise LoadError(
                f"the producer of {self.corrida} did not end {_STOP_PATIENCE:.0f} s after "
                f"SIGTERM: see {self._log}"
            )
        if not self._ended:
            raise LoadError(
                f"the producer of {self.corrida} ended without its last report: see {self._log}"
            )
        return self.acknowledged

    def _keep(self) -> None:
        while not self._ended:
            with self._log.open("a", encoding="utf-8") as log:
                self._process = subprocess.Popen(
                    self._command,
                    env=self._environment,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    cwd=ROOT,
                )
                assert self._process.stdout  # noqa: S101 - a pipe was asked for
                for line in self._process.stdout:
                    report = json.loads(line)
                    self.acknowledged = max(self.acknowledged, report["committed"])
                    self._ended = report["final"]
                self._process.wait()
            if self._ending.is_set():
                return
