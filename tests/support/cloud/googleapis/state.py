"""The state of Google's stand-in, and the ways in which a test breaks it."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.support.cloud.http import Cloud, Json

#: Services that a new project has from its first day.
INITIAL_SERVICES: Final = (
    "cloudapis.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "servicemanagement.googleapis.com",
    "serviceusage.googleapis.com",
    "storage.googleapis.com",
)

PROJECT: Final = "my-project"
NUMBER: Final = "123456789012"
BILLING_ACCOUNT: Final = "billingAccounts/000000-111111-222222"


@dataclass
class Pending:
    """An operation that is not done yet; ``finish`` is its effect."""

    finish: Callable[[], None]
    #: Resource that cannot be used before.
    target: str


class GoogleState(Cloud):
    """Resources, policies and operations of one project.

    Attributes:
        project: the project's id; `NUMBER` is its number.
        resources: each resource as its API shows it, by service and path:
            ``compute.googleapis.com/projects/my-project/global/networks/ventas``.
        policies: IAM policies by the same keys.
        objects: contents of the buckets' objects, by the same keys.
        payloads: contents of the secrets' versions, by the same keys.
        services: the services that are on.
        lacked: permissions that the caller would have needed, or asked for, and does not have.
        propagation: times that a new service account, or an API that was turned on just now, is
            not known yet.
        page_size: most resources of a page, whatever the request asks for; 0 for no such limit.
    """

    def __init__(self, project: str = PROJECT) -> None:
        super().__init__()
        self.project = project
        self.billing_account = BILLING_ACCOUNT
        self.resources: dict[str, Json] = {}
        self.policies: dict[str, Json] = {}
        self.objects: dict[str, bytes] = {}
        self.payloads: dict[str, bytes] = {}
        self.pending: dict[str, Pending] = {}
        self.services = set(INITIAL_SERVICES)
        self.limits: dict[str, float] = {}
        self.granted: set[str] | None = None
        self.denied: set[str] = set()
        self.lacked: set[str] = set()
        self.full_zones: set[str] = set()
        self.unavailable: set[str] = set()
        self.login = True
        self.propagation = 0
        self.unknown: dict[str, int] = {}
        self.page_size = 0
        self._numbers = itertools.count(1)

    # -- what a test breaks ----------------------------------------------------------------------

    def enable_api(self, *services: str) -> None:
        """Turn services on: ``compute.googleapis.com``."""
        self.services |= set(services)
        for service in services:
            self.spread(service)

    def disable_api(self, *services: str) -> None:
        """Turn services off, so that their APIs answer 403."""
        self.services -= set(services)

    def quota(self, metric: str, *, limit: float) -> None:
        """Set the limit of a quota of every region, such as ``SSD_TOTAL_GB``."""
        self.limits[metric] = limit

    def only(self, *permissions: str) -> None:
        """Let the caller have only these permissions."""
        self.granted = set(permissions)

    def deny(self, *permissions: str) -> None:
        """Take permissions from the caller: ``compute.instances.create``."""
        self.denied |= set(permissions)

    def allow(self, *permissions: str) -> None:
        """Give permissions back to the caller."""
        self.denied -= set(permissions)

    def full_zone(self, *zones: str) -> None:
        """Let zones have no capacity for a VM."""
        self.full_zones |= set(zones)

    def not_in_zone(self, *types: str) -> None:
        """Let machine types and disk types exist in no zone."""
        self.unavailable |= set(types)

    def no_login(self) -> None:
        """Let the caller's login be wrong or too old."""
        self.login = False

    def no_billing(self) -> None:
        """Take the billing account from the project."""
        self.billing_account = ""

    def remove(self, key: str) -> None:
        """Remove a resource, and whatever is in it, as somebody else would have done."""
        for held in (self.resources, self.policies, self.objects, self.payloads):
            for name in [name for name in held if name == key or name.startswith(f"{key}/")]:
                del held[name]

    def secret(self, name: str, value: str | None = None) -> None:
        """Give a secret only this version; None leaves the secret without a version."""
        key = f"secretmanager.googleapis.com/projects/{self.project}/secrets/{name}"
        self.remove(f"{key}/versions")
        shown = f"projects/{NUMBER}/secrets/{name}"
        self.resources.setdefault(
            key, {"name": shown, "replication": {"automatic": {}}, "etag": self.etag()}
        )
        if value is not None:
            self.add_version(key, value.encode())

    # -- what a test looks at --------------------------------------------------------------------

    def secret_value(self, name: str) -> str | None:
        """Return the latest version of a secret; None without one."""
        key = f"secretmanager.googleapis.com/projects/{self.project}/secrets/{name}/versions/"
        latest = max(self.payloads, key=lambda k: (k.startswith(key), _last(k)), default="")
        return self.payloads[latest].decode() if latest.startswith(key) else None

    def members(self, key: str, role: str) -> set[str]:
        """Return the members that a resource's policy gives a role."""
        bindings = self.policies.get(key, {}).get("bindings", [])
        return {member for b in bindings if b["role"] == role for member in b["members"]}

    # -- for the handlers ------------------------------------------------------------------------

    def settle(self) -> None:
        """Let time pass: all operations are done, and what is new is known."""
        self.unknown.clear()
        for name in list(self.pending):
            self.finish(name)

    def finish(self, operation: str) -> None:
        """Let an operation have its effect."""
        if pending := self.pending.pop(operation, None):
            pending.finish()

    def spread(self, name: str) -> None:
        """Begin to make something new known."""
        self.unknown[name] = self.propagation

    def knows(self, name: str) -> bool:
        """Return whether something is known by now; each question brings that nearer."""
        self.unknown[name] = left = self.unknown.get(name, 0) - 1
        return left < 0

    def may(self, permission: str) -> bool:
        """Whether the caller has a permission."""
        granted = self.granted is None or permission in self.granted
        if not granted or permission in self.denied:
            self.lacked.add(permission)
            return False
        return True

    def busy(self, key: str) -> bool:
        """Whether an operation on a resource is not done yet; after this question it is."""
        names = [name for name, pending in self.pending.items() if pending.target == key]
        for name in names:
            self.finish(name)
        return bool(names)

    def number(self) -> int:
        """Return a number that the stand-in has not given before."""
        return next(self._numbers)

    def etag(self) -> str:
        """Return a new etag or fingerprint."""
        return base64.b64encode(self.number().to_bytes(8, "big")).decode()

    def stamp(self) -> str:
        """Return the cloud's time as RFC 3339."""
        return self.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def add_version(self, secret: str, data: bytes) -> Json:
        """Add a version to a secret and return its resource."""
        number = 1 + max(
            (_last(k) for k in self.resources if k.startswith(f"{secret}/v")), default=0
        )
        key = f"{secret}/versions/{number}"
        shown = f"{self.resources[secret]['name']}/versions/{number}"
        self.payloads[key] = data
        self.resources[key] = {
            "name": shown,
            "createTime": self.stamp(),
            "state": "ENABLED",
            "replicationStatus": {"automatic": {}},
            "etag": self.etag(),
        }
        return self.resources[key]


def _last(key: str) -> int:
    text = key.rpartition("/")[2]
    return int(text) if text.isdigit() else 0
