"""The rules of the fleet, without a server and without processes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from include.stack.compute.errors import ApiError
from include.stack.compute.instances import KEPT_OPERATIONS, Fleet
from include.stack.compute.process_group import Group
from include.stack.compute.state import Operation, Zone
from tests.unit.stack.compute.support import PROJECT, ZONE, vm_body

PROJECT_ZONE = Zone(PROJECT, ZONE)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
UP = Group(running=True, gone=False)
PARTLY_UP = Group(running=False, gone=False)
DOWN = Group(running=False, gone=True)


def running_fleet() -> Fleet:
    fleet = Fleet()
    fleet.insert(PROJECT_ZONE, vm_body(), NOW)
    fleet.acknowledge(NOW)
    fleet.observe(UP, NOW)
    return fleet


def stopped_fleet() -> Fleet:
    fleet = running_fleet()
    fleet.stop(PROJECT_ZONE, "druid", NOW)
    fleet.observe(DOWN, NOW)
    return fleet


def status(fleet: Fleet) -> str:
    return fleet.instance(PROJECT_ZONE, "druid").status


def test_instance_goes_through_every_status() -> None:
    fleet = Fleet()
    inserting = fleet.insert(PROJECT_ZONE, vm_body(), NOW)
    assert (status(fleet), inserting.status, fleet.next_step()) == (
        "PROVISIONING",
        "PENDING",
        "start",
    )
    fleet.acknowledge(NOW)
    assert (status(fleet), inserting.status, fleet.next_step()) == ("STAGING", "RUNNING", None)
    fleet.observe(PARTLY_UP, NOW)
    assert status(fleet) == "STAGING"
    fleet.observe(UP, NOW)
    assert (status(fleet), inserting.status, inserting.failure) == ("RUNNING", "DONE", None)

    stopping = fleet.stop(PROJECT_ZONE, "druid", NOW)
    assert (status(fleet), fleet.next_step()) == ("STOPPING", "stop")
    fleet.observe(PARTLY_UP, NOW)
    assert (status(fleet), stopping.status) == ("STOPPING", "PENDING")
    fleet.acknowledge(NOW)
    fleet.observe(DOWN, NOW)
    assert (status(fleet), stopping.status) == ("TERMINATED", "DONE")


def test_start_of_a_running_and_stop_of_a_stopped_vm_change_nothing() -> None:
    fleet = running_fleet()
    assert fleet.start(PROJECT_ZONE, "druid", NOW).status == "DONE"
    assert status(fleet) == "RUNNING"
    fleet = stopped_fleet()
    assert fleet.stop(PROJECT_ZONE, "druid", NOW).status == "DONE"
    assert status(fleet) == "TERMINATED"


def test_start_while_stopping_and_stop_while_starting_are_refused() -> None:
    fleet = running_fleet()
    fleet.stop(PROJECT_ZONE, "druid", NOW)
    with pytest.raises(ApiError, match="is not ready") as refused:
        fleet.start(PROJECT_ZONE, "druid", NOW)
    assert (refused.value.code, refused.value.reason) == (400, "resourceNotReady")
    fleet.observe(DOWN, NOW)
    fleet.start(PROJECT_ZONE, "druid", NOW)
    with pytest.raises(ApiError, match="is not ready"):
        fleet.stop(PROJECT_ZONE, "druid", NOW)


def new_disk(name: str, kind: str = "pd-ssd", *, auto_delete: bool = False) -> dict[str, Any]:
    created = {"diskName": name, "diskType": f"zones/{ZONE}/diskTypes/{kind}"}
    return {"autoDelete": auto_delete, "initializeParams": created}


def existing_disk(name: str) -> dict[str, Any]:
    return {"autoDelete": False, "source": f"zones/{ZONE}/disks/{name}"}


def insert_and_delete(fleet: Fleet, *disks: dict[str, Any]) -> None:
    fleet.insert(PROJECT_ZONE, {**vm_body(), "disks": [{"boot": True}, *disks]}, NOW)
    fleet.acknowledge(NOW)
    fleet.observe(UP, NOW)
    fleet.delete(PROJECT_ZONE, "druid", NOW)
    fleet.observe(DOWN, NOW)


def test_named_disk_outlives_its_vm_unless_it_has_auto_delete() -> None:
    fleet = Fleet()
    insert_and_delete(fleet, new_disk("kept"), new_disk("gone", auto_delete=True))
    insert_and_delete(fleet, existing_disk("kept"), new_disk("gone", auto_delete=True))
    assert fleet.disk(PROJECT_ZONE, "kept").path.endswith(f"/zones/{ZONE}/disks/kept")
    with pytest.raises(ApiError, match="disks/gone' was not found"):
        fleet.disk(PROJECT_ZONE, "gone")


@pytest.mark.parametrize(
    ("disk", "machine_type", "error", "message"),
    [
        (new_disk("kept"), "n2-standard-4", "alreadyExists", "disks/kept' already exists"),
        (existing_disk("other"), "n2-standard-4", "notFound", "disks/other' was not found"),
        (
            existing_disk("kept"),
            "c4-standard-4",
            "badRequest",
            "pd-ssd disk type cannot be used by c4-standard-4 machine type.",
        ),
    ],
)
def test_disk_that_cannot_be_had_refuses_the_insert(
    disk: dict[str, Any], machine_type: str, error: str, message: str
) -> None:
    fleet = Fleet()
    insert_and_delete(fleet, new_disk("kept"))
    before = msgspec.json.encode(fleet)
    body = {**vm_body(), "machineType": f"zones/{ZONE}/machineTypes/{machine_type}"}
    with pytest.raises(ApiError, match=message) as refused:
        fleet.insert(PROJECT_ZONE, {**body, "disks": [{"boot": True}, disk]}, NOW)
    assert refused.value.reason == error
    assert msgspec.json.encode(fleet) == before


def test_disk_of_another_vm_cannot_be_attached() -> None:
    fleet = Fleet()
    disks = [{"boot": True}, new_disk("kept")]
    fleet.insert(PROJECT_ZONE, {**vm_body(), "disks": disks}, NOW)
    body = {**vm_body("otra"), "disks": [{"boot": True}, existing_disk("kept")]}
    with pytest.raises(ApiError, match=r"already being used by .*/instances/druid'"):
        fleet.insert(PROJECT_ZONE, body, NOW)


def test_insert_of_a_second_vm_fails_with_an_exceeded_quota() -> None:
    fleet = running_fleet()
    refused = fleet.insert(PROJECT_ZONE, vm_body("otra"), NOW)
    assert refused.status == "DONE"
    assert refused.failure is not None
    assert (refused.failure.code, refused.failure.http_status) == ("QUOTA_EXCEEDED", 403)
    assert f"{PROJECT_ZONE.path}/instances/druid is RUNNING" in refused.failure.message
    with pytest.raises(ApiError, match="was not found"):
        fleet.instance(PROJECT_ZONE, "otra")


def test_stopped_vm_leaves_the_process_group_to_another() -> None:
    fleet = stopped_fleet()
    assert fleet.insert(PROJECT_ZONE, vm_body("otra"), NOW).failure is None
    failure = fleet.start(PROJECT_ZONE, "druid", NOW).failure
    assert failure is not None
    assert failure.code == "QUOTA_EXCEEDED"


def test_delete_stops_the_vm_first() -> None:
    fleet = running_fleet()
    deleting = fleet.delete(PROJECT_ZONE, "druid", NOW)
    assert (status(fleet), deleting.status) == ("STOPPING", "PENDING")
    fleet.observe(DOWN, NOW)
    assert (fleet.instances, deleting.status) == ([], "DONE")


def test_process_that_cannot_start_fails_the_operation_and_stops_the_vm() -> None:
    fleet = Fleet()
    inserting = fleet.insert(PROJECT_ZONE, vm_body(), NOW)
    fleet.acknowledge(NOW)
    fleet.observe(Group(False, False, ("druid-broker is FATAL (exited too quickly)",)), NOW)
    assert inserting.failure is not None
    assert inserting.failure.message == "druid-broker is FATAL (exited too quickly)"
    assert (status(fleet), fleet.next_step()) == ("STOPPING", "stop")
    fleet.observe(DOWN, NOW)
    assert status(fleet) == "TERMINATED"


def test_broken_process_does_not_change_a_running_vm() -> None:
    fleet = running_fleet()
    fleet.observe(Group(False, False, ("druid-broker is FATAL",)), NOW)
    assert status(fleet) == "RUNNING"


@pytest.mark.parametrize(
    ("fleet", "group", "expected"),
    [(running_fleet(), DOWN, "TERMINATED"), (stopped_fleet(), UP, "RUNNING")],
)
def test_vm_follows_a_process_group_that_was_changed_from_outside(
    fleet: Fleet, group: Group, expected: str
) -> None:
    fleet.observe(group, NOW)
    assert status(fleet) == expected


def test_repeated_request_id_returns_the_first_operation() -> None:
    fleet, request = running_fleet(), "5f0c2c0e-6d0c-4f6a-9e6b-0d5f3a6a1111"
    first = fleet.delete(PROJECT_ZONE, "druid", NOW, request)
    fleet.observe(DOWN, NOW)
    assert fleet.delete(PROJECT_ZONE, "druid", NOW, request) is first
    with pytest.raises(ApiError, match="belongs to"):
        fleet.insert(PROJECT_ZONE, vm_body(), NOW, request)


def test_only_the_latest_operations_are_kept() -> None:
    fleet = running_fleet()
    for _ in range(KEPT_OPERATIONS + 5):
        latest = fleet.start(PROJECT_ZONE, "druid", NOW)
    assert len(fleet.operations) == KEPT_OPERATIONS
    assert fleet.operation(PROJECT_ZONE, latest.name) is latest


class AnyHistory(RuleBasedStateMachine):
    """A random history of requests and process states, in which the fleet's invariants hold."""

    def __init__(self) -> None:
        super().__init__()
        self.fleet = Fleet()
        self.seen: list[Operation] = []
        self.now = NOW

    @rule(
        name=st.sampled_from(["druid", "otra"]), what=st.sampled_from(["start", "stop", "delete"])
    )
    def ask(self, name: str, what: str) -> None:
        before = msgspec.json.encode(self.fleet)
        try:
            self.seen.append(getattr(self.fleet, what)(PROJECT_ZONE, name, self._tick()))
        except ApiError:
            assert msgspec.json.encode(self.fleet) == before, "a refusal must change nothing"

    @rule(name=st.sampled_from(["druid", "otra"]))
    def insert(self, name: str) -> None:
        if any(instance.name == name for instance in self.fleet.instances):
            with pytest.raises(ApiError, match="already exists"):
                self.fleet.insert(PROJECT_ZONE, vm_body(name), self._tick())
        else:
            self.seen.append(self.fleet.insert(PROJECT_ZONE, vm_body(name), self._tick()))

    @rule(broken=st.booleans())
    def drive(self, broken: bool) -> None:
        if self.fleet.next_step() and broken:
            self.fleet.failed("no supervisord", self._tick())
        elif self.fleet.next_step():
            self.fleet.acknowledge(self._tick())

    @rule(group=st.sampled_from([UP, PARTLY_UP, DOWN, Group(False, True, ("x is FATAL",))]))
    def observe(self, group: Group) -> None:
        self.fleet.observe(group, self._tick())

    @rule()
    def restart(self) -> None:
        self.fleet = msgspec.json.decode(msgspec.json.encode(self.fleet), type=Fleet)
        self.fleet.resume()
        self.seen = []

    @invariant()
    def one_instance_at_most_holds_the_group(self) -> None:
        assert sum(instance.active for instance in self.fleet.instances) <= 1

    @invariant()
    def an_open_operation_always_belongs_to_an_instance_on_its_way(self) -> None:
        on_their_way = {
            i.id for i in self.fleet.instances if i.status not in ("RUNNING", "TERMINATED")
        }
        for operation in self.fleet.operations:
            assert operation.status == "DONE" or operation.target_id in on_their_way

    @invariant()
    def what_is_done_has_an_end_and_only_that(self) -> None:
        for operation in self.fleet.operations + self.seen:
            assert (operation.status == "DONE") == (operation.ended is not None)

    def teardown(self) -> None:
        """From any state, processes that do as they are told let every operation end."""
        for _ in range(3):
            step = self.fleet.next_step()
            if step:
                self.fleet.acknowledge(self._tick())
            active = [i for i in self.fleet.instances if i.active]
            if active:
                going = active[0].status == "STOPPING"
                self.fleet.observe(DOWN if going else UP, self._tick())
        assert all(operation.status == "DONE" for operation in self.fleet.operations)

    def _tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
