"""`rotate`: new passwords everywhere, also after it died anywhere and the VM was restarted then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from include.cloud import deploy
from include.cloud.errors import CloudError
from include.cloud.rotate import rotate
from tests.support.cloud.in_process import Interrupted
from tests.support.cloud.place import Place, place

SETTINGS: dict[str, Any] = {"create_vm": True, "tunnel_members": ("user:ana@example.com",)}
VM = "compute.googleapis.com/projects/my-project/zones/southamerica-east1-a/instances/druid-ventas"
ADMIN, INTERNAL = "ventas-druid-admin", "ventas-druid-internal"


@pytest.fixture(scope="module")
def made() -> Iterator[Place]:
    """A deployment whose Druid runs with the passwords of `up`."""
    with place() as it:
        deploy.up(it.cloud(**SETTINGS))
        assert status(it, password(it, ADMIN)) == 200
        yield it


@pytest.fixture
def running(made: Place) -> Iterator[Place]:
    saved = made.save()
    yield made
    made.restore(saved)


def password(made: Place, name: str) -> str:
    return made.google.secret_value(name) or ""


def status(made: Place, admin: str) -> int:
    return made.cloud().druid.get("/status", auth=("admin", admin)).status_code


def restart(made: Place) -> None:
    """Restart the VM, as its owner or Google may do at any time."""
    made.google.resources[VM] |= {
        "status": "RUNNING",
        "lastStartTimestamp": made.google.stamp(),
    }


def check_rotated(made: Place, before: dict[str, str]) -> None:
    admin, internal = password(made, ADMIN), password(made, INTERNAL)
    assert made.druid.users == {"admin": admin, "druid_system": internal}
    assert not {admin, internal} & set(before.values())
    for name in ("druid_ingest_default", "druid_broker_default"):
        connection = made.google.secret_value(f"airflow-connections-{name}") or ""
        assert json.loads(connection)["password"] == admin
    assert status(made, admin) == 200
    assert made.druid.processes_let_each_other_in
    assert [key for key in made.google.resources if key.endswith("-next")] == []


def test_passwords_change_in_druid_in_the_secrets_and_in_the_connections(running: Place) -> None:
    before = dict(running.druid.users)
    rotate(running.cloud(**SETTINGS))
    check_rotated(running, before)
    again = dict(running.druid.users)
    rotate(running.cloud(**SETTINGS))
    check_rotated(running, again)
    assert not {*before.values(), *again.values()} & set(str(running.told).split())


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("effect", [False, True])
def test_rotation_that_died_at_any_change_is_completed_by_the_next_one(
    running: Place, *, effect: bool, restarted: bool
) -> None:
    saved, before = running.save(), dict(running.druid.users)
    died: set[str] = set()
    while True:
        transport = running.transport()
        transport.die_at_new_change(died, effect=effect)
        try:
            rotate(running.cloud(transport, **SETTINGS))
            break
        except Interrupted:
            pass
        running.google.settle()
        if restarted:
            restart(running)
        rotate(running.cloud(**SETTINGS))
        check_rotated(running, before)
        running.restore(saved)
    # Two pending secrets, two users, two secrets, two connections, the VM, and the clean-up.
    assert len(died) >= 13


def test_dead_rotation_leaves_airflow_logged_in_until_druid_changes(running: Place) -> None:
    """Only between Druid's change and that of the connections, Airflow cannot log in."""
    saved = running.save()
    died: set[str] = set()
    locked_out: list[str] = []
    while True:
        transport = running.transport()
        transport.die_at_new_change(died, effect=True)
        known = set(died)
        try:
            rotate(running.cloud(transport, **SETTINGS))
            break
        except Interrupted:
            pass
        running.google.settle()
        vm_is_on = running.google.resources[VM]["status"] == "RUNNING"
        for name in ("druid_ingest_default", "druid_broker_default"):
            connection = running.google.secret_value(f"airflow-connections-{name}") or ""
            if vm_is_on and status(running, json.loads(connection)["password"]) != 200:
                locked_out += died - known
        running.restore(saved)
    assert sorted({it.split()[1].rpartition("/")[2] for it in locked_out}) == [
        "airflow-connections-druid_ingest_default:addVersion",
        "credentials",
        "ventas-druid-admin:addVersion",
    ]


def test_stopped_vm_is_started(running: Place) -> None:
    running.google.resources[VM]["status"] = "TERMINATED"
    before = dict(running.druid.users)
    rotate(running.cloud(**SETTINGS))
    check_rotated(running, before)


def test_without_a_vm_nothing_changes(running: Place) -> None:
    running.google.remove(VM)
    with pytest.raises(CloudError) as error:
        rotate(running.cloud(**SETTINGS))
    assert error.value.problem == "no_vm"
    assert [key for key in running.google.resources if key.endswith("-next")] == []


@pytest.mark.parametrize(("user", "problem"), [("admin", "druid_login"), (None, "druid_not_here")])
def test_druid_that_does_not_let_in_is_named(
    running: Place, user: str | None, problem: str
) -> None:
    if user:
        running.druid.users[user] = "changed by hand"
    else:
        running.druid.connected = False
    with pytest.raises(CloudError) as error:
        rotate(running.cloud(**SETTINGS))
    assert error.value.problem == problem
