"""The emulator with `AlwaysOn`, which starts and stops nothing: Druid's containers always run."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from include.stack.compute.__main__ import main
from include.stack.compute.app import create_app
from include.stack.compute.emulator import Emulator
from include.stack.compute.process_group import AlwaysOn, Group
from tests.unit.stack.compute.support import PROJECT, ZONE, client, eventually, serving, vm_body

INSTANCES = f"/compute/v1/projects/{PROJECT}/zones/{ZONE}/instances"


def status(endpoint: str) -> str:
    return str(client().get(f"{endpoint}{INSTANCES}/druid").json()["status"])


def test_vm_goes_through_every_status_that_clients_wait_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with serving(AlwaysOn(), tmp_path / "compute.json") as endpoint:
        client().post(f"{endpoint}{INSTANCES}", json=vm_body()).raise_for_status()
        eventually(lambda: status(endpoint) == "RUNNING")
        client().post(f"{endpoint}{INSTANCES}/druid/stop").raise_for_status()
        eventually(lambda: status(endpoint) == "TERMINATED")
        client().post(f"{endpoint}{INSTANCES}/druid/start").raise_for_status()
        eventually(lambda: status(endpoint) == "RUNNING")
    changes = [r.getMessage().split(": ")[1] for r in caplog.records if " -> " in r.getMessage()]
    assert [change.split(",")[0].split(" -> ")[1] for change in changes] == [
        *("PROVISIONING", "STAGING", "RUNNING"),
        *("STOPPING", "TERMINATED"),
        *("PROVISIONING", "STAGING", "RUNNING"),
    ]


def test_stop_logs_that_the_processes_go_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    AlwaysOn().stop()
    assert "continue to run" in caplog.text


@pytest.mark.parametrize("left", ["RUNNING", "TERMINATED"])
def test_vm_keeps_its_status_over_a_restart_of_the_emulator(tmp_path: Path, left: str) -> None:
    state = tmp_path / "compute.json"
    with serving(AlwaysOn(), state) as endpoint:
        client().post(f"{endpoint}{INSTANCES}", json=vm_body()).raise_for_status()
        eventually(lambda: status(endpoint) == "RUNNING")
        if left == "TERMINATED":
            client().post(f"{endpoint}{INSTANCES}/druid/stop").raise_for_status()
            eventually(lambda: status(endpoint) == left)

    class Counting(AlwaysOn):
        looks = 0

        def observe(self) -> Group:
            self.looks += 1
            return super().observe()

    power = Counting()
    with serving(power, state) as endpoint:
        eventually(lambda: power.looks > 1)
        assert status(endpoint) == left


def test_request_is_refused_unless_its_host_is_named(tmp_path: Path) -> None:
    app = create_app(Emulator(AlwaysOn(), tmp_path / "compute.json"), ["compute"])
    with TestClient(app) as client:
        for host, code in [("compute:8085", 200), ("127.0.0.1:8085", 200), ("evil.example", 421)]:
            assert client.get(INSTANCES, headers={"Host": host}).status_code == code, host


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "--supervisor-socket --always-on is required"),
        (["--always-on", "--supervisor-socket", "s.sock"], "not allowed with"),
        (["--always-on", "--group", "druid"], "remove it, or remove --always-on"),
        (["--always-on", "--container", "compute", "--host", "::1"], "not allowed with"),
        (["--always-on", "--host", "192.0.2.1"], "invalid choice"),
    ],
)
def test_contradictory_options_are_refused(
    arguments: list[str],
    complaint: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["--port", "0", "--state", str(tmp_path / "compute.json"), *arguments])
    assert complaint in capsys.readouterr().err
