"""A stand-in of Druid's router with the Basic Security API, on the VM of Google's stand-in.

It follows Druid 33's page "Basic Security". Users are in the metadata store; the *initial*
passwords count only while a user is not there. The processes log in to each other with the
password that they read from the VM's secret at the boot. If the store has another one, the router
gets no users from the coordinator, and answers 500 to everybody ("No userMap is available").
"""

from __future__ import annotations

import base64
from typing import Final

from tests.support.cloud.google import Google
from tests.support.cloud.http import Answer, Cloud, Request

_USERS: Final = "/proxy/coordinator/druid-ext/basic-security/authentication/db/basic/users/"


class Druid(Cloud):
    """Druid's router.

    Attributes:
        users: passwords in the metadata store, by user.
        connected: whether the tunnel to the VM is open.
    """

    def __init__(self, google: Google) -> None:
        super().__init__()
        self._google = google
        self._booted = ""
        self._internal = ""
        self._known: dict[str, str] = {}
        self.users: dict[str, str] = {}
        self.connected = True

    def take(self, request: Request) -> Answer | None:
        """Answer nothing while the VM is off, or the tunnel is closed."""
        vm = self._vm
        if not self.connected or vm.get("status") != "RUNNING":
            return None
        if vm["lastStartTimestamp"] != self._booted:
            self._boot(vm["lastStartTimestamp"])
        return super().take(request)

    def answer(self, request: Request) -> Answer:
        """Answer a request of a user."""
        if self.processes_let_each_other_in:
            self._known = dict(self.users)
        if not self._known:
            return Answer(500, {"error": "No userMap is available for authenticator"})
        header = request.headers.get("authorization", "").removeprefix("Basic ")
        user, _, password = base64.b64decode(header).decode().partition(":")
        # The coordinator has the store's users, also if the router does not know them yet.
        proxied = request.path.startswith("/proxy/coordinator/")
        asked = (self._known, self.users) if proxied else (self._known,)
        if not password or any(users.get(user) != password for users in asked):
            return Answer(401)
        if request.path.startswith(_USERS) and request.path.endswith("/credentials"):
            changed = request.path.removeprefix(_USERS).removesuffix("/credentials")
            self.users[changed] = request.body["password"]
            return Answer(200)
        return Answer(200, {"version": "33.0.0"})

    @property
    def processes_let_each_other_in(self) -> bool:
        """Whether the processes' own password is the one in the store.

        If not, a running router keeps the users that it has.
        """
        return self.users.get("druid_system") == self._internal

    def _boot(self, stamp: str) -> None:
        self._booted, self._known = stamp, {}
        self._internal = self._google.secret_value("ventas-druid-internal") or ""
        self.users.setdefault("admin", self._google.secret_value("ventas-druid-admin") or "")
        self.users.setdefault("druid_system", self._internal)

    @property
    def _vm(self) -> dict[str, str]:
        path = "projects/my-project/zones/southamerica-east1-a/instances/druid-ventas"
        return self._google.resources.get(f"compute.googleapis.com/{path}", {})
