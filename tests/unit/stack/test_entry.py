"""The shell script `./ventas`, in a copy of the project and without the network."""

from __future__ import annotations

import os
import shutil
import stat
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


def ventas(
    project: Path, *arguments: str, python: Path, cwd: str = "/", **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", project / "ventas", *arguments],
        cwd=cwd,
        env={
            **os.environ,
            "VENTAS_AIRFLOW_DATABASE": "",
            "PYTHON": str(python),
            "PYTHONDONTWRITEBYTECODE": "1",
            **variables,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_too_old_python_is_refused_before_anything_is_made(project: Path, tmp_path: Path) -> None:
    shutil.rmtree(project / ".venv")
    old = executable(tmp_path / "python3.9", "exit 1")
    done = ventas(project, "demo", python=old)
    assert done.returncode == 1
    assert f"ventas needs Python 3.11 or newer, and '{old}' is not" in done.stderr
    assert not (project / ".venv").exists()


def test_python_without_venv_gives_the_package_to_install(project: Path, tmp_path: Path) -> None:
    python = executable(tmp_path / "python3", '[ "$1" = -c ]')
    done = ventas(project, "demo", python=python)
    assert done.returncode == 1
    assert "python3-venv" in done.stderr


def make_ready(project: Path, script: str) -> None:
    """Make an environment whose Python is a shell script."""
    installed = subprocess.check_output(
        ["cksum"], stdin=(project / "requirements.txt").open(), text=True
    )
    (project / ".venv" / "ventas-requirements").write_text(installed)
    executable(project / ".venv" / "bin" / "python", script)


def test_ready_environment_runs_the_command_line_with_all_arguments(
    project: Path, tmp_path: Path
) -> None:
    make_ready(
        project,
        'printf "%s|" "$@"; echo; echo "$PYTHONPATH ${PYTHONDONTWRITEBYTECODE:-compiled}"; exit 7',
    )
    done = ventas(project, "logs", "two words", python=tmp_path / "not needed")
    assert done.returncode == 7
    assert done.stdout.splitlines() == [
        "-m|commands.cli|logs|two words|",
        f"{project}:{project}/plugins compiled",
    ]
    assert done.stderr == ""


#: Variables that would change which Python, Java or Airflow runs, or what is installed.
HOSTILE = (
    *("PYTHONHOME", "PYTHONSTARTUP", "PYTHONIOENCODING", "PYTHONWARNINGS", "PYTHONUSERBASE"),
    *(
        "PIP_TARGET",
        "PIP_REQUIRE_VIRTUALENV",
        "PIP_NO_BINARY",
        "PIP_USER",
        "UV_PYTHON",
        "UV_TARGET",
    ),
    *("UV_CONFIG_FILE", "VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "CONDA_PREFIX", "CONDA_PYTHON_EXE"),
    *("AIRFLOW_HOME", "AIRFLOW_CONFIG", "AIRFLOW__CORE__EXECUTOR", "AIRFLOW_CONN_KAFKA_DEFAULT"),
    *("JAVA_HOME", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH"),
    *("LD_AUDIT", "DYLD_INSERT_LIBRARIES", "SSLKEYLOGFILE"),
)

#: Variables that must stay: the user's settings for a package index and for the network.
NEEDED = (
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_CERT", "PIP_CLIENT_CERT"),
    *("PIP_PROXY", "PIP_CACHE_DIR", "PIP_CONFIG_FILE", "PIP_DEFAULT_TIMEOUT"),
    *("UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INSECURE_HOST", "UV_CACHE_DIR", "UV_HTTP_TIMEOUT"),
    *("HTTPS_PROXY", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "HOME"),
)


def test_variables_of_another_python_java_or_airflow_are_dropped(
    project: Path, tmp_path: Path
) -> None:
    make_ready(project, "env")
    done = ventas(project, python=tmp_path, **dict.fromkeys((*HOSTILE, *NEEDED), "x"))
    names = {line.partition("=")[0] for line in done.stdout.splitlines()}
    assert names & {*HOSTILE, *NEEDED} == {*NEEDED}


def test_folder_of_the_project_is_found_despite_cdpath(project: Path, tmp_path: Path) -> None:
    make_ready(project, 'echo "$PYTHONPATH"')
    (tmp_path / "other" / project.name).mkdir(parents=True)
    done = subprocess.run(
        ["sh", f"{project.name}/ventas"],
        cwd=project.parent,
        env={**os.environ, "CDPATH": str(tmp_path / "other"), "VENTAS_AIRFLOW_DATABASE": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{project}:{project}/plugins\n"


@pytest.mark.parametrize(
    ("umask", "mode"), [(0o000, "drwxr-xr-x"), (0o022, "drwxr-xr-x"), (0o077, "drwx------")]
)
def test_new_files_are_writable_only_by_the_user(
    umask: int, mode: str, project: Path, tmp_path: Path
) -> None:
    make_ready(project, f"mkdir '{tmp_path}/made'")
    before = os.umask(umask)
    try:
        ventas(project, python=tmp_path)
    finally:
        os.umask(before)
    assert stat.filemode((tmp_path / "made").stat().st_mode) == mode


def test_project_in_a_path_with_a_colon_is_refused_before_anything_is_made(
    project: Path, tmp_path: Path
) -> None:
    moved = project.rename(tmp_path / "a:b")
    shutil.rmtree(moved / ".venv")
    done = ventas(moved, "status", python=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        f"The path {moved} has a colon, which separates paths: move the project to a folder whose "
        "path has none.\n"
    )
    assert not (moved / ".venv").exists()


def test_link_with_a_colon_to_the_project_is_accepted(project: Path, tmp_path: Path) -> None:
    make_ready(project, 'echo "$PYTHONPATH"')
    (tmp_path / "a:b").symlink_to(project)
    done = ventas(tmp_path / "a:b", python=tmp_path)
    assert done.stdout == f"{project}:{project}/plugins\n"


def test_without_home_directory_cache_of_uv_is_in_the_environment_folder(
    project: Path, tmp_path: Path
) -> None:
    make_ready(project, 'echo "$UV_CACHE_DIR"')
    done = ventas(project, python=tmp_path, HOME="")
    assert done.stdout == f"{project}/.venv/uv-cache\n"


def test_drivers_of_postgresql_are_installed_once_and_only_for_who_names_a_server(
    project: Path, tmp_path: Path
) -> None:
    make_ready(project, "")
    (project / "requirements-postgresql.txt").write_text("asyncpg==1.0\n")
    executable(project / ".venv" / "bin" / "uv", f'echo "$@" >> "{tmp_path}/calls"')
    calls = tmp_path / "calls"
    ventas(project, "up", python=tmp_path)
    assert not calls.exists()
    for _ in range(2):
        ventas(project, "up", python=tmp_path, VENTAS_AIRFLOW_DATABASE="postgresql://a@127.0.0.1")
    assert calls.read_text() == (
        f"pip install --require-hashes --python {project}/.venv/bin/python "
        f"-r {project}/requirements-postgresql.txt\n"
    )
