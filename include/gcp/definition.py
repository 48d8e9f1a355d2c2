"""The definition of the Druid VM for Compute Engine's API, and the firewall rule for its tag.

`vm.json` and `firewall.json` are the REST resources. `vm.json` has a `{placeholder}` for each value
that differs between users.

The data disk is not deleted with the VM. A VM that is created again must get the same disk:
`with_existing_disks` attaches it. A forgotten VM stops by itself: `maxRunDuration` counts from each
start ("Limit the run time of a VM" in Compute Engine's documentation). So the VM needs neither a
resource policy nor a permission for Google's scheduler. The VM has no external IP address.
"""

import dataclasses
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from include.gcp import boot
from include.gcp.disks import DEFAULT_TYPES
from include.names import GOOGLE_CONNECTION

_VM = Path(__file__).with_name("vm.json")

_EXTRA: Final = f"conn.{GOOGLE_CONNECTION}.extra_dejson"


def _of_connection(key: str, default: str) -> str:
    """Return a Jinja template of the connection's extra `key`, or else of the expression `default`.

    The value is always text: in a DAG with native rendering, Airflow would join the parts of a
    template with their own types.
    """
    return f"{{{{ {_EXTRA}.get('{key}', {default}) | string }}}}"


@dataclass(frozen=True, kw_only=True)
class VmSettings:
    """Settings that differ between users. All values are texts.

    Every field but `zone` is a key in the extra of Airflow's connection `google_cloud_default`. The
    defaults are Jinja templates, which Airflow renders where the task runs.

    Attributes:
        zone: zone of the VM; may be a template, or a placeholder that is replaced later.
        instance: name of the VM; the data disk's name is derived from it.
        machine_type: an n2, n4, c3 or c4 machine type; at every boot, the VM sizes Druid for it.
        rate: events per second for which Druid is sized.
        disk_type: type of both disks, one that the machine type takes (`disk_types.json`).
        data_disk_gb: size of the data disk, GB.
        max_run_seconds: seconds after which the VM stops by itself, at most 120 days; 14 hours suit
            a window of 12 hours.
        service_account: e-mail of the VM's own account.
        subnetwork: partial URL of a subnetwork with Private Google Access, and with a NAT for the
            archives of Debian and Druid. All zones that are tried must be in its region.
        bucket: Cloud Storage bucket for segments and task logs; "" keeps them on the data disk.
        druid_url: URL of Druid's archive, ``apache-druid-VERSION-bin.tar.gz``.
        druid_checksum: the archive's SHA-256 or SHA-512 in hexadecimal. The default is the SHA-256
            with which Homebrew's formula `druid` 33.0.0 pins the same file.
        druid_properties: settings of Druid's processes, one a line, each ``SERVICE/KEY=VALUE``; see
            `include.gcp.vm_druid.parse_properties`.
        secret_kafka_jaas: name in Secret Manager of the secret with `sasl.jaas.config`; "" if Kafka
            asks for no password.
        secret_druid_admin: name of the secret with the password of Druid's user `admin`.
        secret_druid_internal: name of the secret with the password of `druid_system`, the user of
            the calls between Druid's processes.
        secret_metadata: name of the secret with the password of the metadata store's user; used
            only with `metadata_uri`.
        metadata_uri: ``jdbc:postgresql://ADDRESS:5432/DATABASE`` of Cloud SQL, without parameters;
            "" for Derby on the data disk, which Druid's documentation calls unfit for production.
        metadata_ca: PEM of the authority that signed Cloud SQL's certificate; required with
            `metadata_uri`. It is not secret.
        metadata_user: the metadata store's user.
    """

    zone: str
    instance: str = f"{{{{ {_EXTRA}['instance'] }}}}"
    machine_type: str = _of_connection("machine_type", "'n2-standard-4'")
    rate: str = _of_connection("rate", "1000")
    disk_type: str = _of_connection(
        "disk_type",
        f"{DEFAULT_TYPES}.get({_EXTRA}.get('machine_type', 'n2').split('-')[0], 'pd-ssd')",
    )
    data_disk_gb: str = _of_connection("data_disk_gb", "100")
    max_run_seconds: str = _of_connection("max_run_seconds", str(14 * 3600))
    service_account: str = _of_connection(
        "service_account", f"'ventas-druid@' ~ {_EXTRA}['project'] ~ '.iam.gserviceaccount.com'"
    )
    subnetwork: str = _of_connection(
        "subnetwork",
        f"'regions/' ~ {_EXTRA}['zone'].rsplit('-', 1)[0] ~ '/subnetworks/ventas'",
    )
    bucket: str = _of_connection("bucket", "''")
    druid_url: str = _of_connection(
        "druid_url",
        "'https://archive.apache.org/dist/druid/33.0.0/apache-druid-33.0.0-bin.tar.gz'",
    )
    druid_checksum: str = _of_connection(
        "druid_checksum", "'5ee5ddbcc2273834af8a18dd173b2a04b9a911cb7ce516279db605788abd7d79'"
    )
    druid_properties: str = _of_connection("druid_properties", "''")
    secret_kafka_jaas: str = _of_connection("secret_kafka_jaas", "'ventas-kafka-jaas'")
    secret_druid_admin: str = _of_connection("secret_druid_admin", "'ventas-druid-admin'")
    secret_druid_internal: str = _of_connection("secret_druid_internal", "'ventas-druid-internal'")
    secret_metadata: str = _of_connection("secret_metadata", "'ventas-druid-metadata'")
    metadata_uri: str = _of_connection("metadata_uri", "''")
    metadata_ca: str = _of_connection("metadata_ca", "''")
    metadata_user: str = _of_connection("metadata_user", "'druid'")


def vm_body(zone: str) -> dict[str, Any]:
    """Return the instance resource for `instances.insert` (REST, camelCase), with Jinja templates.

    `zone` may also be a template, or the placeholder ``{zone}``. `with_startup` completes the
    resource.
    """
    return _body(VmSettings(zone=zone))


def instance(settings: VmSettings) -> dict[str, Any]:
    """Return the complete instance resource with these settings."""
    return with_startup(_body(settings))


def with_startup(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body with the startup script and its files added.

    They are separate because they have no templates, and their 25 KB need not be in a DAG or in a
    rendered field.
    """
    startup = [{"key": key, "value": value} for key, value in boot.metadata().items()]
    metadata = body.get("metadata", {})
    return {**body, "metadata": {**metadata, "items": [*metadata.get("items", []), *startup]}}


def kept_disks(body: dict[str, Any]) -> list[str]:
    """Return the names of the disks that outlive the VM."""
    return [
        disk["initializeParams"]["diskName"]
        for disk in body["disks"]
        if not disk.get("autoDelete") and "diskName" in disk.get("initializeParams", {})
    ]


def with_existing_disks(body: dict[str, Any], zone: str, names: Collection[str]) -> dict[str, Any]:
    """Return the body in which the disks of these names are attached instead of created.

    An existing disk needs `source`: Compute Engine refuses the `diskName` of one as taken.
    """
    disks = []
    for disk in body["disks"]:
        name = disk.get("initializeParams", {}).get("diskName")
        if name in names:
            source = f"zones/{zone}/disks/{name}"
            disk = {k: v for k, v in disk.items() if k != "initializeParams"} | {"source": source}
        disks.append(disk)
    return {**body, "disks": disks}


def _body(settings: VmSettings) -> dict[str, Any]:
    body: dict[str, Any] = _filled(
        json.loads(_VM.read_text(encoding="utf-8")), dataclasses.asdict(settings)
    )
    return body


def _filled(part: Any, values: dict[str, str]) -> Any:
    if isinstance(part, dict):
        return {name: _filled(value, values) for name, value in part.items()}
    if isinstance(part, list):
        return [_filled(item, values) for item in part]
    if isinstance(part, str):
        for name, value in values.items():
            part = part.replace(f"{{{name}}}", value)
    return part
