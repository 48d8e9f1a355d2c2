"""The emulator in its own process, with a real supervisord and real processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

import httpx
import psutil
import pytest

from include.stack.compute.__main__ import main
from include.stack.compute.process_group import ProcessGroupError, SupervisorGroups
from tests.unit.stack.compute.support import PROJECT, ZONE, client, eventually, finished, vm_body

ROOT = Path(__file__).parents[4]


@pytest.fixture
def folder() -> Iterator[Path]:
    # A unix socket's path must be shorter than pytest's temporary folders can be.
    with tempfile.TemporaryDirectory(prefix="gce") as name:
        yield Path(name)


@pytest.fixture
def supervisord(folder: Path) -> Iterator[psutil.Process]:
    (folder / "supervisord.conf").write_text(
        dedent(f"""\
        [supervisord]
        nodaemon = true
        directory = {folder}
        logfile = {folder}/supervisord.log
        pidfile = {folder}/supervisord.pid
        [unix_http_server]
        file = {folder}/s.sock
        [rpcinterface:supervisor]
        supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
        [group:druid]
        programs = broker,historical
        [program:broker]
        command = sleep 600
        autostart = false
        [program:historical]
        command = sleep 600
        autostart = false
        [group:broken]
        programs = missing
        [program:missing]
        command = {folder}/no-such-program
        autostart = false
        """)
    )
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", f"{folder}/supervisord.conf"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        eventually(lambda: listens(folder / "s.sock"))
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()


def listens(path: Path) -> bool:
    """Return whether a server accepts connections: it makes the socket's file before that."""
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(str(path)) == 0


@contextmanager
def emulator(folder: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "include.stack.compute", "--port", "0"]
    command += ["--state", f"{folder}/compute.json", "--supervisor-socket", f"{folder}/s.sock"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()


def call(endpoint: str, method: str, path: str, **arguments: Any) -> Any:
    prefix = f"{endpoint}/compute/v1/projects/{PROJECT}/zones/{ZONE}/"
    return client().request(method, prefix + path, **arguments).json()


def finish(operation: Any) -> None:
    assert "error" not in finished(operation["selfLink"])


def test_vm_starts_and_stops_the_process_group(folder: Path, supervisord: psutil.Process) -> None:
    with emulator(folder) as endpoint:
        finish(call(endpoint, "POST", "instances", json=vm_body()))
        assert len(supervisord.children()) == 2
    victim, other = supervisord.children()
    with emulator(folder) as endpoint:
        # The emulator that was started again first sees whether the processes run.
        eventually(lambda: call(endpoint, "GET", "instances/druid")["status"] == "RUNNING")
        victim.kill()
        eventually(
            lambda: len(supervisord.children()) == 2 and victim not in supervisord.children()
        )
        assert call(endpoint, "GET", "instances/druid")["status"] == "RUNNING"
        finish(call(endpoint, "POST", "instances/druid/stop"))
        assert call(endpoint, "GET", "instances/druid")["status"] == "TERMINATED"
        assert supervisord.children() == []
        assert not other.is_running()


def test_program_that_cannot_be_started_is_named(folder: Path, supervisord: psutil.Process) -> None:
    with pytest.raises(ProcessGroupError, match="missing"):
        SupervisorGroups(folder / "s.sock", ["broken"]).start()


def test_group_unknown_to_supervisord_is_named(folder: Path, supervisord: psutil.Process) -> None:
    group = SupervisorGroups(folder / "s.sock", ["kafka"])
    with pytest.raises(ProcessGroupError, match="'kafka'"):
        group.start()
    with pytest.raises(ProcessGroupError, match="no process group 'kafka'"):
        group.observe()


def test_unreachable_supervisord_raises_with_its_socket(tmp_path: Path) -> None:
    with pytest.raises(ProcessGroupError, match=r"does not answer at .*check that it runs"):
        SupervisorGroups(tmp_path / "s.sock", ["druid"]).observe()


def test_help_explains_socket_endpoint_and_autostart(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert "--supervisor-socket" in shown
    assert "api_endpoint" in shown
    assert "autostart = false" in shown


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1"])  # noqa: S104 - refused here
def test_host_other_than_loopback_is_refused(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--host", host, "--port", "0", "--state", "x", "--supervisor-socket", "x"])
    assert "invalid choice" in capsys.readouterr().err


def test_busy_port_is_named(
    endpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port = httpx.URL(endpoint).port
    state = os.fspath(tmp_path / "other.json")
    assert main(["--port", f"{port}", "--state", state, "--supervisor-socket", "x"]) == 1
    assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err
