"""Checks of Airflow's side: versions, the values that it reads, and Druid's login."""

from functools import partial
from importlib import metadata
from typing import Final

import httpx

from include.cloud import secret_values
from include.cloud.checks.check import Check, NotCheckedError
from include.cloud.cloud import Cloud
from include.cloud.deploy import CONNECTIONS
from include.cloud.errors import CloudError
from include.cloud.resources import needs_of
from include.cloud.rotate import NEXT

#: Version of Airflow with which the DAGs import, and the providers that they use.
VERSION: Final = "3.3"
PROVIDERS: Final = tuple(
    f"apache-airflow-providers-{name}" for name in ("apache-druid", "apache-kafka", "google")
)


def airflow(_: Cloud) -> None:
    """Check the versions of Airflow and its providers, if Airflow is installed here."""
    try:
        found = metadata.version("apache-airflow-core")
    except metadata.PackageNotFoundError:
        raise NotCheckedError("no_airflow") from None
    if not found.startswith(f"{VERSION}."):
        raise CloudError("airflow_version", found=found, wanted=VERSION)
    for name in PROVIDERS:
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            raise CloudError("no_provider", name=name) from None


def value(name: str, cloud: Cloud) -> None:
    """Check that a secret has a value, and not an empty one."""
    found = secret_values.read(cloud, name)
    if found.disabled:
        raise CloudError("secret_disabled", name=name)
    if found.text is None:
        raise CloudError("secret_without_value", name=name)
    if not found.usable:
        raise CloudError("empty_secret", name=name)
    if name.startswith(secret_values.PREFIX):
        connection = secret_values.parsed(found)
        if not isinstance(connection, dict) or "conn_type" not in connection:
            raise CloudError("not_a_connection", name=name)
        if "password" in connection and not connection["password"]:
            raise CloudError("null_password", name=name)
    elif not found.text.isprintable():
        raise CloudError("not_one_line", name=name)


def rotation(cloud: Cloud) -> None:
    """Check that no change of Druid's passwords was interrupted."""
    if secret_values.read(cloud, secret_values.INTERNAL + NEXT).usable:
        raise CloudError("rotation_pending")


def druid_login(cloud: Cloud) -> None:
    """Check that Druid accepts the stored password, if it answers here."""
    password = secret_values.read(cloud, secret_values.ADMIN).text or ""
    try:
        answer = cloud.druid.get("/status", auth=("admin", password))
    except httpx.TransportError:
        raise NotCheckedError("druid_not_here", url=cloud.druid.base_url) from None
    if answer.status_code in (401, 403):
        raise CloudError("druid_login", status=answer.status_code)
    if not answer.is_success:
        raise CloudError("druid_unwell", url=cloud.druid.base_url, status=answer.status_code)


#: Secrets that have a value once `up` is done.
_VALUES: Final = (
    secret_values.ADMIN,
    secret_values.INTERNAL,
    secret_values.JAAS,
    *(secret_values.PREFIX + name for name in CONNECTIONS),
)

FIRST: Final = (Check("airflow", airflow),)

VALUES: Final = tuple(
    Check("value", partial(value, name), name, needs_of("secretmanager", f"secret {name}"))
    for name in _VALUES
)

LAST: Final = (
    Check("rotation", rotation, needs=needs_of("secretmanager")),
    Check("druid_login", druid_login, needs=("rotation", f"value {secret_values.ADMIN}")),
)
