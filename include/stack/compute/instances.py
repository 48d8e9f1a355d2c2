"""The rules by which instances and zone operations change.

They are pure: the callers pass the time and the process group's state, and nothing is read or
written. Only one instance at a time may be active, because all share one process group.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

import msgspec

from include.stack.compute.errors import ApiError, already_exists, not_found, not_ready
from include.stack.compute.process_group import Group
from include.stack.compute.state import (
    Disk,
    Failure,
    Instance,
    Interruption,
    Operation,
    OperationType,
    Request,
    Status,
    Trouble,
    Zone,
)
from include.stack.compute.validation import check_pair

log = logging.getLogger(__name__)

# Operations that are kept. Compute Engine deletes operations after some weeks; here the oldest
# finished ones are deleted beyond this number.
KEPT_OPERATIONS = 200

_MESSAGES = {
    "compute.instances.preempted": "Instance was preempted.",
    "compute.instances.hostError": "Instance terminated by Compute Engine.",
}


class Fleet(msgspec.Struct):
    """All instances, named disks and operations: the whole state, as the file has it."""

    instances: list[Instance] = msgspec.field(default_factory=list)
    operations: list[Operation] = msgspec.field(default_factory=list)
    disks: list[Disk] = msgspec.field(default_factory=list)
    serial: int = 0

    # -- requests of clients -----------------------------------------------------------------

    def instance(self, zone: Zone, name: str) -> Instance:
        """Return an instance, or raise the API's 404."""
        for instance in self.instances:
            if instance.zone == zone and instance.name == name:
                return instance
        raise not_found(f"{zone.path}/instances/{name}")

    def operation(self, zone: Zone, name: str) -> Operation:
        """Return an operation by name or id, or raise the API's 404."""
        for operation in self.operations:
            if operation.zone == zone and name in (operation.name, operation.id):
                return operation
        raise not_found(f"{zone.path}/operations/{name}")

    def disk(self, zone: Zone, name: str) -> Disk:
        """Return a disk, or raise the API's 404."""
        for disk in self.disks:
            if (disk.zone, disk.name) == (zone, name):
                return disk
        raise not_found(Disk(zone, name).path)

    def insert(
        self,
        zone: Zone,
        body: dict[str, Any],
        now: datetime,
        request_id: str | None = None,
        trouble: Trouble | None = None,
    ) -> Operation:
        """Create an instance and begin to start it; ``body`` must be checked already."""
        name = body["name"]
        if earlier := self._repeated(zone, "insert", name, request_id):
            return earlier
        if any(i.zone == zone and i.name == name for i in self.instances):
            raise already_exists(f"{zone.path}/instances/{name}")
        self._check_disks(zone, body)
        instance = Instance(self._next_id(), zone, name, body, created=_stamp(now))
        operation = self._begin("insert", instance, now, request_id)
        if self._fails(operation, trouble, now) or self._refuse_second(instance, operation, now):
            return operation
        self.instances.append(instance)
        self.disks += [
            Disk(zone, disk["diskName"], disk.get("diskType", "").rpartition("/")[2])
            for disk in (attached.get("initializeParams", {}) for attached in body["disks"])
            if "diskName" in disk
        ]
        _become(instance, "PROVISIONING", "inserted")
        return operation

    def start(
        self,
        zone: Zone,
        name: str,
        now: datetime,
        request_id: str | None = None,
        trouble: Trouble | None = None,
    ) -> Operation:
        """Begin to start an instance; nothing changes if it is starting or running already."""
        if earlier := self._repeated(zone, "start", name, request_id):
            return earlier
        instance = self.instance(zone, name)
        if instance.status == "STOPPING":
            raise not_ready(instance.path)
        operation = self._begin("start", instance, now, request_id)
        if self._fails(operation, trouble, now):
            return operation
        if instance.status == "RUNNING":
            self._end(operation, now)
        elif instance.status == "TERMINATED" and not self._refuse_second(instance, operation, now):
            _become(instance, "PROVISIONING", "a start was requested")
        return operation

    def stop(
        self,
        zone: Zone,
        name: str,
        now: datetime,
        request_id: str | None = None,
        trouble: Trouble | None = None,
    ) -> Operation:
        """Begin to stop an instance; nothing changes if it is stopping or stopped already."""
        return self._stop("stop", zone, name, now, request_id, trouble)

    def delete(
        self,
        zone: Zone,
        name: str,
        now: datetime,
        request_id: str | None = None,
        trouble: Trouble | None = None,
    ) -> Operation:
        """Begin to delete an instance; it disappears when its processes have ended."""
        return self._stop("delete", zone, name, now, request_id, trouble)

    # -- changes without a request of a client -----------------------------------------------

    def interrupt(self, zone: Zone, name: str, kind: Interruption, now: datetime) -> Operation:
        """Begin to end a running instance as Compute Engine does by itself; it stays off.

        A host error ends the instance as if its ``scheduling.automaticRestart`` were false. Raises
        the API's 400 if the instance does not run, and for the preemption of an instance that is
        not Spot.
        """
        instance = self.instance(zone, name)
        scheduling = instance.body.get("scheduling", {})
        spot = scheduling.get("preemptible") or scheduling.get("provisioningModel") == "SPOT"
        if kind == "compute.instances.preempted" and not spot:
            raise ApiError(
                400, "invalid", f"{instance.path} is not a Spot VM: only Spot VMs are preempted."
            )
        if instance.status != "RUNNING":
            raise not_ready(instance.path)
        operation = self._begin(kind, instance, now, None)
        operation.message = _MESSAGES[kind]
        self._end(operation, now)
        _become(instance, "STOPPING", operation.message)
        return operation

    def release(self) -> None:
        """Let the endless operations continue."""
        for operation in self.operations:
            operation.endless = False

    # -- the process group -------------------------------------------------------------------

    def next_step(self) -> Literal["start", "stop"] | None:
        """Return whether the process group must be started or stopped now; None for neither."""
        for instance in self._moving():
            if instance.status == "PROVISIONING":
                return "start"
            if instance.status == "STOPPING":
                return "stop"
        return None

    def acknowledge(self, now: datetime) -> None:
        """Note that the process group has received the next step."""
        for instance in self._moving():
            if instance.status == "PROVISIONING":
                instance.last_start = _stamp(now)
                _become(instance, "STAGING", "the process group begins to start")
            for operation in self._open(instance) if instance.active else ():
                operation.status = "RUNNING"
                operation.started = operation.started or _stamp(now)

    def failed(self, message: str, now: datetime) -> None:
        """Note that the process group cannot start: the operation fails and the instance stops."""
        for instance in self.instances:
            if instance.status in ("PROVISIONING", "STAGING"):
                failure = Failure("INTERNAL_ERROR", message, 500, "INTERNAL SERVER ERROR")
                for operation in self._open(instance):
                    self._end(operation, now, failure)
                _become(instance, "STOPPING", message)

    def observe(self, group: Group, now: datetime) -> None:
        """Update the instances from the real state of the process group."""
        active = next((instance for instance in self.instances if instance.active), None)
        if active is None:
            if group.running and self.instances:
                latest = max(self.instances, key=lambda i: i.last_start or "")
                _become(latest, "RUNNING", "the process group already runs")
        elif active not in self._moving():
            return
        elif active.status == "STAGING":
            if group.running:
                self._settle(active, "RUNNING", "all processes run", now)
            elif group.broken:
                self.failed("; ".join(group.broken), now)
        elif active.status == "RUNNING" and group.gone:
            self._settle(active, "TERMINATED", "the process group stopped by itself", now)
        elif active.status == "STOPPING" and group.gone:
            self._settle(active, "TERMINATED", "all processes have ended", now)

    def resume(self) -> None:
        """After a restart of the emulator, start the process group again if it should run.

        The last start may not have reached it, or its processes may have died together with the
        emulator: Compute Engine also restarts an instance after a crash of its host. Processes that
        still run are left alone.
        """
        for instance in self.instances:
            if instance.status in ("STAGING", "RUNNING"):
                _become(instance, "PROVISIONING", "the emulator was restarted")

    # -- internal ----------------------------------------------------------------------------

    def _moving(self) -> list[Instance]:
        """Return the instances without an endless operation."""
        held = {o.target_id for o in self.operations if o.endless}
        return [i for i in self.instances if i.id not in held]

    def _fails(self, operation: Operation, trouble: Trouble | None, now: datetime) -> bool:
        """Apply the trouble to an operation; return whether the operation has failed with it."""
        if isinstance(trouble, Failure):
            self._end(operation, now, trouble)
            return True
        if trouble == "endless":
            operation.endless = True
            operation.status, operation.started = "RUNNING", _stamp(now)
        return False

    def _stop(
        self,
        kind: Literal["stop", "delete"],
        zone: Zone,
        name: str,
        now: datetime,
        request_id: str | None,
        trouble: Trouble | None,
    ) -> Operation:
        if earlier := self._repeated(zone, kind, name, request_id):
            return earlier
        instance = self.instance(zone, name)
        if instance.status in ("PROVISIONING", "STAGING"):
            raise not_ready(instance.path)
        operation = self._begin(kind, instance, now, request_id)
        if self._fails(operation, trouble, now):
            return operation
        if instance.status == "RUNNING":
            _become(instance, "STOPPING", f"a {kind} was requested")
        elif instance.status == "TERMINATED":
            self._settle(instance, "TERMINATED", "it was off already", now)
        return operation

    def _settle(self, instance: Instance, status: Status, why: str, now: datetime) -> None:
        """Set an instance's lasting status and end the operations that waited for it."""
        if instance.status != status:
            _become(instance, status, why)
            if status == "TERMINATED":
                instance.last_stop = _stamp(now)
        finished = list(self._open(instance))
        for operation in finished:
            self._end(operation, now)
        if any(operation.type == "delete" for operation in finished):
            self.instances.remove(instance)
            gone = {_disk_name(d) for d in instance.body["disks"] if d.get("autoDelete")}
            self.disks = [d for d in self.disks if d.zone != instance.zone or d.name not in gone]
            log.info("instance %s: deleted", instance.name)

    def _check_disks(self, zone: Zone, body: dict[str, Any]) -> None:
        """Refuse a new disk whose name is taken, and an existing one that cannot be attached.

        Compute Engine's description of ``diskName`` says that an existing disk of this name is
        attached. People who tried it got "already exists" (github.com/hashicorp/terraform, issue
        7998): an existing disk is attached by ``source``.
        """
        for attached in body["disks"]:
            name = _disk_name(attached)
            if "source" not in attached:
                if any((d.zone, d.name) == (zone, name) for d in self.disks):
                    raise already_exists(Disk(zone, name).path)
                continue
            disk = self.disk(zone, name)
            for instance in self.instances:
                if instance.zone == zone and name in map(_disk_name, instance.body["disks"]):
                    message = (
                        f"The disk resource '{disk.path}' is already being used by "
                        f"'{instance.path}'"
                    )
                    raise ApiError(400, "resourceInUseByAnotherResource", message)
            if disk.type:
                check_pair(body["machineType"], disk.type)

    def _refuse_second(self, instance: Instance, operation: Operation, now: datetime) -> bool:
        """Fail the operation with an exceeded quota if another instance holds the process group.

        As in Compute Engine, the request is accepted and the operation reports the quota.
        """
        holder = next((i for i in self.instances if i.active and i is not instance), None)
        if holder is None:
            return False
        message = (
            f"Quota 'INSTANCES' exceeded.  Limit: 1.0 in zone {instance.zone.name}: "
            f"{holder.path} is {holder.status}, stop it first."
        )
        self._end(operation, now, Failure("QUOTA_EXCEEDED", message, 403, "FORBIDDEN"))
        return True

    def _repeated(
        self, zone: Zone, kind: Request, target: str, request_id: str | None
    ) -> Operation | None:
        """Return the operation that an earlier request with the same request id began."""
        for operation in self.operations if request_id else ():
            if (operation.request_id, operation.zone) == (request_id, zone):
                if (operation.type, operation.target) == (kind, target):
                    return operation
                raise ApiError(
                    400, "invalid", f"The request id '{request_id}' belongs to {operation.path}."
                )
        return None

    def _begin(
        self, kind: OperationType, instance: Instance, now: datetime, request_id: str | None
    ) -> Operation:
        number = self._next_id()
        origin = "systemevent" if kind.startswith("compute.") else "operation"
        operation = Operation(
            id=number,
            name=f"{origin}-{int(now.timestamp() * 1000)}-{int(number):08x}",
            zone=instance.zone,
            type=kind,
            target=instance.name,
            target_id=instance.id,
            inserted=_stamp(now),
            request_id=request_id,
        )
        self.operations.append(operation)
        finished = [o for o in self.operations if o.status == "DONE"]
        for oldest in finished[: max(0, len(self.operations) - KEPT_OPERATIONS)]:
            self.operations.remove(oldest)
        return operation

    def _open(self, instance: Instance) -> Iterator[Operation]:
        return (
            operation
            for operation in self.operations
            if operation.target_id == instance.id and operation.status != "DONE"
        )

    def _end(self, operation: Operation, now: datetime, failure: Failure | None = None) -> None:
        operation.status = "DONE"
        operation.endless = False
        operation.started = operation.started or _stamp(now)
        operation.ended = _stamp(now)
        operation.failure = failure
        if failure:
            log.error(
                "operation %s of instance %s failed: %s",
                operation.type,
                operation.target,
                failure.message,
            )

    def _next_id(self) -> str:
        self.serial += 1
        return str(self.serial)


def _disk_name(attached: dict[str, Any]) -> str:
    """Return the name of an instance's disk; "" if the instance does not give one."""
    name = attached.get("initializeParams", {}).get("diskName", "")
    return str(attached.get("source", name)).rpartition("/")[2]


def _become(instance: Instance, status: Status, why: str) -> None:
    log.info("instance %s: %s -> %s, %s", instance.name, instance.status, status, why)
    instance.status = status


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
