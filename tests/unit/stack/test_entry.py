"""The shell file `./ventas`, in a project of its own without the network."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from include.stack.settings import ROOT


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path / "a project"
    (project / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(ROOT / "ventas", project)
    (project / "requirements.txt").write_text("uv==1.0 \\\n    --hash=sha256:0\n")
    return project


def executable(file: Path, script: str) -> Path:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def ventas(project: Path, *arguments: str, python: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [project / "ventas", *arguments],
        cwd="/",
        env={**os.environ, "PYTHON": str(python), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_old_python_is_refused_before_anything_is_made(project: Path, tmp_path: Path) -> None:
    shutil.rmtree(project / ".venv")
    old = executable(tmp_path / "python3.9", "exit 1")
    done = ventas(project, "demo", python=old)
    assert done.returncode == 1
    assert f"ventas needs Python 3.11 or newer, and '{old}' is not" in done.stderr
    assert not (project / ".venv").exists()


def test_a_python_without_venv_is_told_the_package_to_install(
    project: Path, tmp_path: Path
) -> None:
    python = executable(tmp_path / "python3", '[ "$1" = -c ]')
    done = ventas(project, "demo", python=python)
    assert done.returncode == 1
    assert "python3-venv" in done.stderr


def test_with_its_environment_ready_it_hands_everything_over(project: Path, tmp_path: Path) -> None:
    installed = subprocess.check_output(
        ["cksum"], stdin=(project / "requirements.txt").open(), text=True
    )
    (project / ".venv" / "ventas-requirements").write_text(installed)
    executable(
        project / ".venv" / "bin" / "python",
        'printf "%s|" "$@"; echo; echo "$PYTHONPATH ${PYTHONDONTWRITEBYTECODE:-compiled}"; exit 7',
    )
    done = ventas(project, "logs", "two words", python=tmp_path / "not needed")
    assert done.returncode == 7
    assert done.stdout.splitlines() == [
        "-m|include.stack.cli|logs|two words|",
        f"{project}:{project}/plugins compiled",
    ]
    assert done.stderr == ""
