"""A process of the stack runs for a time with a wrong clock."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from commands.chaos import wrong_clock
from commands.chaos.wrong_clock import with_clock
from include.waiting import wait_until
from tests.support.place import PATIENCE

SAYS_THE_CLOCK = "import os, signal; print(os.environ['CLOCK'], flush=True); signal.pause()"


class Lab:
    """A supervisord with one process, which it still starts when it is first asked."""

    def __init__(self, home: Path, process: subprocess.Popen[bytes] | None) -> None:
        self.settings = SimpleNamespace(home=home, logs=home)
        self.process = process
        self.done: list[str] = []

    def is_starting(self, _: str) -> bool:
        self.done.append("asked")
        return self.done.count("asked") < 3

    def until(self, ready: Callable[[], bool], *_: object) -> None:
        while not ready():
            self.done.append("waited")

    def processes(self, _: str) -> list[psutil.Process]:
        self.done.append("found")
        return [psutil.Process(self.process.pid)] if self.process else []

    def stop(self, name: str) -> None:
        self.done.append(f"stop {name}")

    def start(self, name: str) -> None:
        self.done.append(f"start {name}")


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", SAYS_THE_CLOCK]
    with subprocess.Popen(command, env={"CLOCK": "right"}, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"right\n"
        yield process
        process.kill()


@pytest.fixture(autouse=True)
def _library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wrong_clock, "clock_variables", lambda _: {"CLOCK": "wrong"})


def test_process_that_starts_is_waited_for_and_runs_with_the_clock(
    tmp_path: Path, process: subprocess.Popen[bytes]
) -> None:
    lab: Any = Lab(tmp_path, process)
    log = tmp_path / "kafka-clock.log"
    with with_clock(lab, "kafka", 7200):
        wait_until(lambda: log.read_bytes() == b"wrong\n", "the process with the clock", PATIENCE)
        lab.done.append("block")
    waited = ["asked", "waited", "asked", "waited", "asked"]
    assert lab.done == [*waited, "found", "stop kafka", "block", "start kafka"]


def test_process_that_does_not_run_is_left_as_it_is(tmp_path: Path) -> None:
    lab: Any = Lab(tmp_path, None)
    with with_clock(lab, "kafka", 7200):
        lab.done.append("block")
    assert lab.done[-2:] == ["found", "block"]
