"""Processes are stopped for a time, and resumed whatever happens."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from commands.chaos.processes import Command, kill, stopped
from include.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def process() -> Iterator[psutil.Popen]:
    with psutil.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as running:
        yield running
        kill([running])


def becomes_stopped(process: psutil.Popen, *, expected: bool = True) -> None:
    """Wait until the process is stopped, or runs: a signal takes effect a moment later."""
    wait_until(
        lambda: (process.status() == psutil.STATUS_STOPPED) is expected, "the signal's effect", 60
    )


def test_process_is_stopped_and_resumed_even_after_an_error(process: psutil.Popen) -> None:
    def fail() -> None:
        with stopped([process]):
            becomes_stopped(process)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    becomes_stopped(process, expected=False)


def test_ended_process_is_skipped_and_the_next_one_is_harmed(process: psutil.Popen) -> None:
    with psutil.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    with stopped([ended, process]):
        becomes_stopped(process)
    kill([ended, process])
    assert process.wait() == -9


def test_command_of_a_process_runs_once_more_and_is_killed(
    process: psutil.Popen, tmp_path: Path
) -> None:
    shown = "import os, signal; print(os.environ['STEP'], flush=True); signal.pause()"
    command = Command.of(process)._replace(arguments=[sys.executable, "-c", shown])
    log = tmp_path / "log"
    before = set(psutil.Process().children())
    with command._replace(variables={**command.variables, "STEP": "+7200"}).running(log):
        [another] = set(psutil.Process().children()) - before
        wait_until(lambda: log.read_text() == "+7200\n", "its output", 60)
    assert not another.is_running()
    assert process.is_running()
