"""A real supervisord with small processes in place of Kafka, Druid and Airflow."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from include.stack import folder, stack, supervision
from include.stack.processes import (
    GROUPS,
    VM_GROUPS,
    Process,
    supervisor_socket,
    write_supervisord_configuration,
)
from include.stack.settings import Settings
from include.waiting import wait_until

SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(300)"]

#: A process whose child leaves its group, so that stopping the group does not reach it.
LEAVES_A_CHILD = f"""
import subprocess, time
child = subprocess.Popen({SLEEP!r}, start_new_session=True)
print(child.pid, flush=True)
time.sleep(300)
"""


@contextmanager
def stopped_stack() -> Iterator[Settings]:
    # Not `tmp_path`: the name of a unix socket has at most 107 bytes.
    place = Path(tempfile.mkdtemp(prefix="ventas-"))
    yield replace(Settings.from_environment({}), home=place / "José 100%")
    shutil.rmtree(place)


@pytest.fixture
def settings() -> Iterator[Settings]:
    with stopped_stack() as settings:
        yield settings


def start(settings: Settings, groups: Iterable[str]) -> None:
    folder.claim(settings.home)
    script = settings.home / "leaves_a_child.py"
    script.write_text(LEAVES_A_CHILD)
    processes = [Process(group, f"one-of-{group}", SLEEP) for group in groups]
    processes.append(Process("airflow", "parent", [sys.executable, "-S", str(script)]))
    supervisor_socket(settings).touch()
    configuration = write_supervisord_configuration(settings, processes)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("AIRFLOW__CORE__DAGS_FOLDER", "/of/the/user")
        supervision.start(settings, configuration, {"AIRFLOW__CORE__EXECUTOR": "LocalExecutor"})


@pytest.fixture(scope="module")
def running() -> Iterator[Settings]:
    with stopped_stack() as settings:
        start(settings, GROUPS)
        yield settings
        # Faster than `stop`, which takes a second for each group.
        for process in supervision.marked_processes(settings):
            process.kill()


def states(settings: Settings) -> dict[str, dict[str, Any]]:
    return {state["name"]: state for state in supervision.process_states(settings)}


def wait_for_running(settings: Settings, name: str, *, other_than: int = 0) -> int:
    def is_running() -> bool:
        state = states(settings)[name]
        return bool(state["statename"] == "RUNNING" and state["pid"] != other_than)

    wait_until(is_running, name, 15, interval=0.05)
    return int(states(settings)[name]["pid"])


def test_crashed_process_is_restarted_and_the_vm_stays_off(running: Settings) -> None:
    first = wait_for_running(running, "one-of-kafka")
    os.kill(first, signal.SIGKILL)
    assert wait_for_running(running, "one-of-kafka", other_than=first) != first
    in_vm = {s["statename"] for s in states(running).values() if s["group"] in VM_GROUPS}
    assert in_vm == {"STOPPED"}


def test_processes_inherit_only_the_airflow_settings_of_the_stack(
    running: Settings,
) -> None:
    environment = psutil.Process(wait_for_running(running, "one-of-airflow")).environ()
    of_airflow = {k: v for k, v in environment.items() if k.startswith("AIRFLOW_")}
    assert of_airflow == {"AIRFLOW__CORE__EXECUTOR": "LocalExecutor"}


def test_status_lists_processes_and_clean_refuses_while_they_run(running: Settings) -> None:
    wait_for_running(running, "one-of-kafka")
    found = stack.status(running)
    assert found["running"]
    [kafka] = [p for p in found["processes"] if p["name"] == "one-of-kafka"]
    assert (kafka["group"], kafka["state"]) == ("kafka", "RUNNING")
    assert kafka["log"] == str(running.logs / "one-of-kafka.log")
    assert 0 < kafka["pss_mib"] <= kafka["rss_mib"] < found["memory_mib"]
    with pytest.raises(stack.StackError, match="ventas down"):
        stack.clean(running)
    assert running.home.exists()


def test_clean_refuses_while_supervisord_answers_and_processes_are_hidden(
    running: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(supervision, "marked_processes", lambda *_, **__: [])
        with pytest.raises(stack.StackError, match="hidden from this user"):
            stack.clean(running)
    assert running.home.exists()


def test_stop_ends_every_process_even_outside_its_group(settings: Settings) -> None:
    start(settings, ["kafka"])
    log = settings.logs / "parent.log"
    wait_until(log.read_text, f"the process id in {log}", 10, interval=0.05)
    child = int(log.read_text())
    everything = supervision.marked_processes(settings)
    assert child in {process.pid for process in everything}
    assert supervision.stop(settings) == [child]
    assert not supervision.is_running(settings)
    assert not [process for process in everything if process.is_running()]
    stack.clean(settings)
    assert not settings.home.exists()


def test_airflow_process_with_overwritten_environment_is_found_by_its_folder(
    settings: Settings,
) -> None:
    """Workers of a killed scheduler live on, and would keep its database and ports busy."""
    settings.home.mkdir()
    worker = ["airflow worker -- LocalExecutor: <idle>", *SLEEP[1:]]
    named = subprocess.Popen(worker, executable=SLEEP[0], cwd=settings.home, env={})
    elsewhere = subprocess.Popen(worker, executable=SLEEP[0], cwd=settings.home.parent, env={})
    shell = subprocess.Popen(SLEEP, cwd=settings.home, env={})
    try:
        assert [p.pid for p in supervision.marked_processes(settings)] == [named.pid]
        assert supervision.stop(settings) == [named.pid]
    finally:
        for process in (named, elsewhere, shell):
            process.kill()
            process.wait()


def test_stop_of_a_stopped_stack_does_nothing(settings: Settings) -> None:
    assert not supervision.is_running(settings)
    assert supervision.stop(settings) == []
