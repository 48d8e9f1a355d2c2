"""The state that the emulator keeps between runs, and its behaviour if supervisord fails."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from include.stack.compute.emulator import Emulator, StateFileError
from tests.unit.stack.compute.support import (
    PROJECT,
    ZONE,
    MemoryPower,
    client,
    eventually,
    finished,
    serving,
    vm_body,
)

INSTANCES = f"/compute/v1/projects/{PROJECT}/zones/{ZONE}/instances"


def status(endpoint: str) -> str:
    return str(client().get(f"{endpoint}{INSTANCES}/druid").json()["status"])


def insert(endpoint: str) -> str:
    """Insert the VM and return its operation's URL."""
    return str(client().post(endpoint + INSTANCES, json=vm_body()).json()["selfLink"])


def test_instances_and_operations_survive_a_restart(tmp_path: Path) -> None:
    power = MemoryPower()
    with serving(power, tmp_path / "compute.json") as endpoint:
        insert(endpoint)
        eventually(lambda: status(endpoint) == "RUNNING")
    assert power.running, "the end of the emulator must leave the processes alone"
    with serving(power, tmp_path / "compute.json") as endpoint:
        eventually(lambda: status(endpoint) == "RUNNING")
        operations = client().get(endpoint + INSTANCES.replace("instances", "operations")).json()
        assert [o["status"] for o in operations["items"]] == ["DONE"]


def test_interrupted_start_continues_after_a_restart_of_the_emulator(tmp_path: Path) -> None:
    power = MemoryPower()
    power.held = True
    with serving(power, tmp_path / "compute.json") as endpoint:
        insert(endpoint)
        eventually(lambda: status(endpoint) == "STAGING")
    power.held = False
    with serving(power, tmp_path / "compute.json") as endpoint:
        eventually(lambda: status(endpoint) == "RUNNING")


def test_vm_whose_processes_died_with_the_emulator_is_started_again(tmp_path: Path) -> None:
    """Compute Engine does the same. A VM that the emulator saw stop before stays off."""
    power = MemoryPower()
    with serving(power, tmp_path / "compute.json") as endpoint:
        insert(endpoint)
        eventually(lambda: status(endpoint) == "RUNNING")
    power.running = False
    with serving(power, tmp_path / "compute.json") as endpoint:
        eventually(lambda: status(endpoint) == "RUNNING")
        assert power.running
        power.running = False
        eventually(lambda: status(endpoint) == "TERMINATED")
    with serving(power, tmp_path / "compute.json") as endpoint:
        assert status(endpoint) == "TERMINATED"


def test_operation_without_supervisord_fails_with_the_reason(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    power = MemoryPower()
    power.fault = "supervisord does not answer at /x.sock: is it running?"
    with serving(power, tmp_path / "compute.json") as endpoint:
        operation = finished(insert(endpoint))
        assert operation["error"]["errors"] == [{"code": "INTERNAL_ERROR", "message": power.fault}]
        assert operation["httpErrorStatusCode"] == 500
        power.fault = ""
        eventually(lambda: status(endpoint) == "TERMINATED")


def test_each_change_of_status_is_logged_once(
    endpoint: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="include.stack.compute")
    insert(endpoint)
    eventually(lambda: status(endpoint) == "RUNNING")
    lines = [r.message.split(",")[0] for r in caplog.records if "->" in r.message]
    assert lines == [
        "instance druid: TERMINATED -> PROVISIONING",
        "instance druid: PROVISIONING -> STAGING",
        "instance druid: STAGING -> RUNNING",
    ]


def test_damaged_state_file_raises_with_its_name(tmp_path: Path) -> None:
    state = tmp_path / "compute.json"
    state.write_text('{"instances": [{"id"')
    with pytest.raises(StateFileError, match=r"compute\.json is damaged .* delete it"):
        Emulator(MemoryPower(), state)
