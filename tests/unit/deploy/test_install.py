"""`deploy/systemd/install.sh` in a folder in place of `/`; apt, pip, psql and systemd are fakes."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from include.stack.settings import ROOT

#: Each fake records its call, and fails if FAIL names it.
FAKE = """#!/bin/sh
name=${0##*/}
echo "$name $*" >>"$CALLS"
[ "$name" != "$FAIL" ] || exit 1
case $name in
    python3) mkdir -p "$3/bin" && ln -sf "$FAKES/pip" "$3/bin/pip" ;;
    runuser) cat >"$CALLS.sql" ;;
    id) exit "${KNOWN:-1}" ;;
    install)
        for word; do
            shift
            case $word in -o | -g | airflow) ;; *) set -- "$@" "$word" ;; esac
        done
        exec /usr/bin/install "$@" ;;
esac
"""
COMMANDS = (
    *("apt-get", "id", "install", "pip", "python3", "runuser", "systemctl", "systemd-run"),
    "useradd",
)


class Machine:
    """A folder in place of the root of Airflow's VM."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        (self.root / "etc/systemd/system").mkdir(parents=True)
        self.fakes = folder / "bin"
        self.fakes.mkdir()
        self._calls = folder / "calls"
        for name in COMMANDS:
            (self.fakes / name).write_text(FAKE)
            (self.fakes / name).chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        """Variables that the script and its fakes read."""
        return {
            "PATH": f"{self.fakes}:{os.environ['PATH']}",
            "DESTDIR": str(self.root),
            "CALLS": str(self._calls),
            "FAKES": str(self.fakes),
        }

    def install(self, fail: str = "") -> int:
        """Run the script; return its exit status."""
        self._calls.write_text("")
        return subprocess.run(
            [ROOT / "deploy/systemd/install.sh", "my-own-project"],
            env={**self.environment, "FAIL": fail},
            capture_output=True,
            check=False,
        ).returncode

    @property
    def calls(self) -> list[str]:
        return self._calls.read_text().splitlines()

    @property
    def sql(self) -> str:
        return Path(f"{self._calls}.sql").read_text()

    def settings(self) -> dict[str, str]:
        file = self.root / "etc/ventas/airflow.env"
        assert file.stat().st_mode & 0o077 == 0
        lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
        return dict(line.split("=", 1) for line in lines)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_every_setting_has_a_value_and_the_secrets_are_random(machine: Machine) -> None:
    assert machine.install() == 0
    settings = machine.settings()
    assert not [name for name, value in settings.items() if "..." in value or "my-project" in value]
    # On this VM Airflow has the account itself.
    assert json.loads(settings["AIRFLOW__SECRETS__BACKEND_KWARGS"]) == {
        "project_id": "my-own-project"
    }
    secrets = [settings[f"AIRFLOW__{name}"] for name in ("API__SECRET_KEY", "API_AUTH__JWT_SECRET")]
    password = re.search(r"airflow:(\w{64})@", settings["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    assert password is not None
    assert len({*secrets, password[1]}) == 3
    assert re.fullmatch(r"[\w-]{43}=", settings["AIRFLOW__CORE__FERNET_KEY"])
    # The password reaches PostgreSQL, and no argument.
    assert f"PASSWORD '{password[1]}'" in machine.sql
    assert not [call for call in machine.calls if password[1] in call]


def test_project_units_and_packages_are_installed(machine: Machine) -> None:
    machine.install()
    home = machine.root / "srv/ventas"
    folders = {".venv", "dags", "plugins", "include", "texts"}
    assert {path.name for path in home.iterdir()} == folders
    units = {path.name for path in (machine.root / "etc/systemd/system").iterdir()}
    assert {"ventas-airflow.target", "ventas-airflow@.service"} <= units
    called = [re.sub(r"/\S*/", "", call.replace(str(ROOT), "")) for call in machine.calls]
    assert "pip install --quiet --require-hashes -r requirements.txt" in called
    assert "install -D -m 0755 airflow.sh ventas-airflow" in called
    ends = ["daemon-reload", "airflow db migrate", "ventas-airflow.target", "ventas-airflow.target"]
    ends += ["airflow dags reserialize", "airflow dags list-import-errors"]
    assert [call.endswith(end) for call, end in zip(called[-6:], ends, strict=True)] == [True] * 6


@pytest.mark.parametrize("step", ["apt-get", "pip", "runuser", "systemctl"])
def test_interrupted_installation_is_completed_with_the_same_secrets(
    machine: Machine, step: str
) -> None:
    assert machine.install(fail=step) != 0
    file = machine.root / "etc/ventas/airflow.env"
    before = file.read_text() if file.exists() else None
    assert machine.install() == 0
    assert before in (None, file.read_text())
    complete = machine.settings()
    assert machine.install() == 0
    assert machine.settings() == complete


def test_command_line_gets_the_settings_of_the_units() -> None:
    text = (ROOT / "deploy/systemd/airflow.sh").read_text(encoding="utf-8")
    unit = (ROOT / "deploy/systemd/ventas-airflow@.service").read_text(encoding="utf-8")
    for setting in ("EnvironmentFile", "WorkingDirectory"):
        (value,) = re.findall(rf"^{setting}=(.*)$", unit, re.MULTILINE)
        assert f"--property={setting}={value}" in text
