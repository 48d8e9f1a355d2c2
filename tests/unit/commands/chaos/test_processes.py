"""Processes are stopped for a time, and resumed whatever happens."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from commands.chaos.processes import kill, stopped

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def process() -> Iterator[psutil.Popen]:
    with psutil.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as running:
        yield running
        kill([running])


def test_process_is_stopped_and_resumed_even_after_an_error(process: psutil.Popen) -> None:
    def fail() -> None:
        with stopped([process]):
            assert process.status() == psutil.STATUS_STOPPED
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert process.status() != psutil.STATUS_STOPPED


def test_ended_process_is_skipped_and_the_next_one_is_harmed(process: psutil.Popen) -> None:
    with psutil.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    with stopped([ended, process]):
        assert process.status() == psutil.STATUS_STOPPED
    kill([ended, process])
    assert process.wait() == -9
