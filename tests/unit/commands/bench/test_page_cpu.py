"""Processor time of the page's stack, and how much of it a look takes."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from commands.bench.page_cpu import KINDS, Used, measured, per_look
from include.stack import supervision
from include.stack.settings import Settings

WORK = "sum(range(3_000_000))"
PARENT = f"""
import subprocess, sys
for line in sys.stdin:
    subprocess.run([sys.executable, "-c", {WORK!r}])
    print(line, flush=True)
"""


def used(seconds: float, **cpu: float) -> Used:
    return Used(seconds, {**dict.fromkeys(KINDS, 0.0), **cpu})


def test_idle_use_is_subtracted_in_proportion_to_the_time() -> None:
    idle = used(10, broker=0.5, kafka=0.5)
    found = per_look(used(20, router=1, broker=5, kafka=1, other=7), idle, looks=100)
    assert (found["router"], found["broker"], found["kafka"]) == (10, 40, 0)
    assert list(found) == ["all", *KINDS]


def test_processes_that_answer_no_look_do_not_count() -> None:
    found = per_look(used(20, router=1, broker=5, kafka=1, other=7), used(10, other=1), looks=100)
    assert found["other"] == 50
    assert found["all"] == 60


@pytest.fixture
def parent() -> Iterator["subprocess.Popen[str]"]:
    """A process that starts a busy child for each line that it reads, and waits for it."""
    command = [sys.executable, "-c", PARENT]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        yield process
        process.stdin.close()  # type: ignore[union-attr]


def test_processor_time_has_ended_children_and_no_stopped_process(
    parent: "subprocess.Popen[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    states = [{"name": "proxy", "pid": parent.pid}, {"name": "broker", "pid": 0}]
    monkeypatch.setattr(supervision, "process_states", lambda _: states)

    def work() -> str:
        parent.stdin.write("go\n")  # type: ignore[union-attr]
        parent.stdin.flush()  # type: ignore[union-attr]
        return parent.stdout.readline()  # type: ignore[union-attr]

    said, found = measured(Settings.from_environment({}), work)
    assert said == "go\n"
    assert 0 < found.cpu["router"] < 60
    assert {kind for kind, seconds in found.cpu.items() if seconds} == {"router"}
    assert found.seconds > 0
