"""The records that the emulator keeps: instances, disks, operations. Times are RFC 3339 strings."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

Status = Literal["PROVISIONING", "STAGING", "RUNNING", "STOPPING", "TERMINATED"]
Request = Literal["insert", "start", "stop", "delete"]
Interruption = Literal["compute.instances.preempted", "compute.instances.hostError"]
OperationType = Request | Interruption


#: The state file names the zone of a resource `place`, as those of earlier versions do.
_FIELDS: Final = {"zone": "place"}


class Zone(msgspec.Struct, frozen=True, rename={"name": "zone"}):
    """A zone of a project, which has instances and operations."""

    project: str
    name: str

    @property
    def path(self) -> str:
        """The resource path that names the zone."""
        return f"projects/{self.project}/zones/{self.name}"


class Instance(msgspec.Struct, rename=_FIELDS):
    """A virtual machine; ``body`` is the resource that the client inserted."""

    id: str
    zone: Zone
    name: str
    body: dict[str, Any]
    created: str
    status: Status = "TERMINATED"
    last_start: str | None = None
    last_stop: str | None = None

    @property
    def path(self) -> str:
        """The resource path that names the instance."""
        return f"{self.zone.path}/instances/{self.name}"

    @property
    def active(self) -> bool:
        """Whether the instance holds the process group."""
        return self.status != "TERMINATED"


class Disk(msgspec.Struct, frozen=True, rename=_FIELDS):
    """A persistent disk that has a name, and so may outlive the instance that created it."""

    zone: Zone
    name: str
    #: "" if Compute Engine was to choose it.
    type: str = ""

    @property
    def path(self) -> str:
        """The resource path that names the disk."""
        return f"{self.zone.path}/disks/{self.name}"


class Failure(msgspec.Struct, frozen=True):
    """The reason why an operation failed: Compute Engine's code, a sentence, the HTTP equivalent.

    ``details`` are the API's ``errorDetails``.
    """

    code: str
    message: str
    http_status: int
    http_message: str
    details: list[dict[str, Any]] = []


Trouble = Failure | Literal["endless"]
"""A fault in an operation: its failure, or ``endless`` for an operation that does not end."""


class Operation(msgspec.Struct, rename=_FIELDS):
    """A change that is in progress or done.

    ``endless`` operations stay in progress until the faults are removed. ``message`` says what
    Compute Engine did by itself; None for a client's request.
    """

    id: str
    name: str
    zone: Zone
    type: OperationType
    target: str
    target_id: str
    inserted: str
    request_id: str | None = None
    status: Literal["PENDING", "RUNNING", "DONE"] = "PENDING"
    started: str | None = None
    ended: str | None = None
    failure: Failure | None = None
    endless: bool = False
    message: str | None = None

    @property
    def path(self) -> str:
        """The resource path that names the operation."""
        return f"{self.zone.path}/operations/{self.name}"
