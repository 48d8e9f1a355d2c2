"""New passwords for Druid's users `admin` and `druid_system`, whatever interrupts the change.

Each new password is first stored in a secret of its own, ``…-next``: the next call completes one
that was interrupted anywhere.

1. `admin`: Druid gets the new password, then the VM's secret, then Airflow's connections. Druid's
   configuration has it only as the *initial* password, which counts while its metadata store has no
   users.
2. `druid_system` is the user of Druid's own processes. They read its password from the VM's secret
   when the VM boots, and compare it with the metadata store, so both must change before the next
   boot. The secret comes first: the running processes keep the old password, which works until
   Druid gets the new one. Then the VM is restarted.

If the VM is restarted between the two, Druid locks its own processes out, and nobody can log in.
The next call notices that, puts the old password back into the secret, restarts the VM and goes on.
"""

import base64
from datetime import datetime
from typing import Any, Final

import httpx

from include.cloud.cloud import Cloud
from include.cloud.errors import CloudError, RefusedError
from include.cloud.matching import filled
from include.cloud.secret_values import ADMIN, INTERNAL, Connection, new_password, read, write

#: Suffix of the secret with a password that is not in use everywhere yet.
NEXT: Final = "-next"

#: Seconds for all of Druid's services to know a new password, and for the VM and Druid to start.
_KNOWN: Final = 120.0
_BOOT: Final = 1200.0

_USERS: Final = "/proxy/coordinator/druid-ext/basic-security/authentication/db/basic/users"
_VM: Final = "compute/compute/v1/projects/{project}/zones/{zone}/instances/{instance}"
_SECRETS: Final = "secretmanager/v1/projects/{project}/secrets"

_ADMIN_USER: Final = "admin"
_INTERNAL_USER: Final = "druid_system"


def rotate(cloud: Cloud) -> None:
    """Change both passwords, or complete an earlier call. It starts the VM if that is off.

    Raises:
        CloudError: there is no VM, Druid does not answer, or it refuses the stored password.
    """
    _vm(cloud)
    began = read(cloud, INTERNAL + NEXT).usable
    new_admin, new_internal = (_pending(cloud, name) for name in (ADMIN, INTERNAL))
    admins = (new_admin, read(cloud, ADMIN).text or "")
    try:
        _start_vm(cloud, *admins)
    except CloudError:
        if not began:
            raise
    if began:
        _unlock(cloud, admins, new_internal)
    if not _accepts(cloud, _ADMIN_USER, new_admin):
        _change(cloud, admins[1], _ADMIN_USER, new_admin)
        _wait(cloud, _KNOWN, new_admin)
    _store(cloud, ADMIN, new_admin)
    for name in ("druid_ingest_default", "druid_broker_default"):
        connection = Connection(name)
        look = connection.look(cloud)
        if look.missing or look.difference:
            connection.make(cloud)
    _store(cloud, INTERNAL, new_internal)
    if not _accepts(cloud, _INTERNAL_USER, new_internal):
        # From now on Druid's processes do not let each other in. So nobody can wait until all of
        # them know the new password: the restart tells them.
        _change(cloud, new_admin, _INTERNAL_USER, new_internal)
    if _vm_is_older(cloud):
        _restart_vm(cloud, new_admin)
    for name in (ADMIN, INTERNAL):
        cloud.send(f"DELETE {_secret(cloud, name + NEXT)}")
        cloud.tell("removed", kind="secret", name=name + NEXT)


def _pending(cloud: Cloud, name: str) -> str:
    """Return the new password of a secret; generate and store it, if there is none."""
    value = read(cloud, name + NEXT)
    if not value.usable:
        body = {"replication": {"automatic": {}}, "labels": cloud.values["labels"]}
        try:
            cloud.send(f"POST {filled(_SECRETS, cloud.values)}?secretId={name}{NEXT}", body)
        except RefusedError as error:
            if error.status != 409:
                raise
        write(cloud, name + NEXT, new_password())
    return read(cloud, name + NEXT).text or ""


def _store(cloud: Cloud, name: str, password: str) -> None:
    if read(cloud, name).text != password:
        cloud.tell("mending", kind="password", name=name)
        write(cloud, name, password)


def _unlock(cloud: Cloud, admins: tuple[str, str], new_internal: str) -> None:
    """Let Druid's processes in again, if the VM booted with a password that Druid does not have."""
    if any(_accepts(cloud, _ADMIN_USER, password) for password in admins):
        return
    if read(cloud, INTERNAL).text == new_internal:
        if _vm_is_older(cloud):
            # The VM has not booted since: its processes use the old password, so they are let in.
            raise CloudError("druid_login", status=401)
        write(cloud, INTERNAL, _previous(cloud, INTERNAL))
    if _vm_is_older(cloud):
        cloud.tell("unlocking")
        _restart_vm(cloud, *admins)


def _previous(cloud: Cloud, name: str) -> str:
    """Return the value of the version before the latest one."""
    versions = cloud.google.call("GET", f"{_secret(cloud, name)}/versions")["versions"]
    # The newest comes first.
    path = f"secretmanager/v1/{versions[1]['name']}:access"
    return base64.b64decode(cloud.google.call("GET", path)["payload"]["data"]).decode()


def _change(cloud: Cloud, admin: str, user: str, password: str) -> None:
    """Let `admin` change a user's password.

    Raises:
        CloudError: Druid does not accept the password of `admin`.
    """
    cloud.tell("mending", kind="druid_user", name=user)
    answer = _ask(
        cloud, "POST", f"{_USERS}/{user}/credentials", _ADMIN_USER, admin, {"password": password}
    )
    if not answer.is_success:
        raise CloudError("druid_login", status=answer.status_code)


def _accepts(cloud: Cloud, user: str, password: str) -> bool:
    """Return whether Druid lets a user in."""
    return _ask(cloud, "GET", "/status", user, password).is_success


def _ask(
    cloud: Cloud, method: str, path: str, user: str, password: str, body: Any = None
) -> httpx.Response:
    try:
        return cloud.druid.request(method, path, json=body, auth=(user, password))
    except httpx.TransportError:
        raise CloudError("druid_not_here", url=cloud.druid.base_url) from None


def _wait(cloud: Cloud, seconds: float, *admins: str) -> None:
    """Wait until Druid answers and lets `admin` in with one of the passwords."""
    for _ in cloud.clock.polling(seconds, interval=5):
        try:
            if any(_accepts(cloud, _ADMIN_USER, password) for password in admins):
                return
            problem = CloudError("druid_login", status=401)
        except CloudError as error:
            problem = error
    raise problem


def _vm(cloud: Cloud) -> Any:
    vm = cloud.google.find(filled(_VM, cloud.values))
    if vm is None:
        raise CloudError("no_vm", name=cloud.deployment.instance)
    return vm


def _vm_is_older(cloud: Cloud) -> bool:
    """Return whether the VM booted before its secret changed."""
    path = f"{_secret(cloud, INTERNAL)}/versions/latest"
    changed = cloud.google.call("GET", path)["createTime"]
    return _time(_vm(cloud)["lastStartTimestamp"]) < _time(changed)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _start_vm(cloud: Cloud, *admins: str) -> None:
    """Start the VM, if it is off, and wait until `admin` can log in with one of the passwords."""
    if _vm(cloud)["status"] == "RUNNING":
        return
    cloud.tell("starting", name=cloud.deployment.instance)
    cloud.send(f"POST {filled(_VM, cloud.values)}/start")
    _wait(cloud, _BOOT, *admins)


def _restart_vm(cloud: Cloud, *admins: str) -> None:
    """Stop and start the VM, and wait as `_start_vm` does."""
    cloud.tell("restarting", name=cloud.deployment.instance)
    cloud.send(f"POST {filled(_VM, cloud.values)}/stop")
    _start_vm(cloud, *admins)


def _secret(cloud: Cloud, name: str) -> str:
    return f"{filled(_SECRETS, cloud.values)}/{name}"
