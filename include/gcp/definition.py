"""The Druid VM as Compute Engine's API takes it, and the firewall rule of its tag.

`vm.json` and `firewall.json` are the REST resources; what differs from user to user is a
`{placeholder}` in the former.

The data disk is not deleted with the VM, and a VM that is created anew is given it again: Compute
Engine attaches an existing disk of that `diskName` (`AttachedDiskInitializeParams` in its discovery
document). A VM that was forgotten stops by itself: `maxRunDuration` counts anew from each start
("Limit the run time of a VM" in its documentation), so it needs neither a resource policy nor a
permission for Google's scheduler. The network gives no external IP.
"""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from include.gcp import boot

_VM = Path(__file__).with_name("vm.json")
_FIREWALL = Path(__file__).with_name("firewall.json")

_EXTRA: Final = "conn.google_cloud_default.extra_dejson"


def _of_connection(key: str, default: str) -> str:
    """A Jinja template: the connection's extra `key`, else what the expression `default` gives.

    As text whatever it is: Airflow joins the parts of a template as they are in a DAG that renders
    natively.
    """
    return f"{{{{ {_EXTRA}.get('{key}', {default}) | string }}}}"


@dataclass(frozen=True, kw_only=True)
class VmSettings:
    """What differs from user to user.

    Every field but `zone` is a key of the extra of Airflow's connection `google_cloud_default`:
    the defaults are Jinja templates that Airflow renders where the task runs. All are texts.

    Attributes:
        zone: where the VM is; may be a template or a placeholder that is replaced later.
        instance: name of the VM; its data disk is named after it.
        machine_type: an n2, n4, c3 or c4 shape; the VM sizes its Druid by it at every boot.
        rate: events a second that Druid is sized for.
        disk_type: of both disks; c4 and n4 know Hyperdisk alone.
        data_disk_gb: size of the data disk, GB.
        max_run_seconds: the VM stops by itself after so long, at most 120 days; 14 hours suit a
            window of 12.
        service_account: e-mail of the VM's own account.
        subnetwork: partial URL; with Private Google Access and a NAT for Debian's and Druid's
            archives. Zones that are tried one after the other must be in its region.
        bucket: Cloud Storage bucket for segments and task logs; "" keeps them on the data disk.
        druid_url: Druid's archive, ``apache-druid-VERSION-bin.tar.gz``.
        druid_checksum: its SHA-256 or SHA-512 in hexadecimal. The default is the SHA-256 by which
            Homebrew's formula `druid` 33.0.0 pins the same file.
        secret_kafka_jaas: Secret Manager's name of the value of `sasl.jaas.config`; "" if Kafka
            asks for no password.
        secret_druid_admin: name of the secret with the password of Druid's user `admin`.
        secret_druid_internal: the same of `druid_system`, by which Druid's processes meet.
        secret_metadata: the same of the metadata store's user; used with `metadata_uri` alone.
        metadata_uri: ``jdbc:postgresql://ADDRESS:5432/DATABASE`` of Cloud SQL, without parameters;
            "" for Derby on the data disk, which Druid's documentation calls unfit for production.
        metadata_ca: PEM of the authority that Cloud SQL's certificate must be of; needed with
            `metadata_uri`. It is no secret.
        metadata_user: the metadata store's user.
    """

    zone: str
    instance: str = f"{{{{ {_EXTRA}['instance'] }}}}"
    machine_type: str = _of_connection("machine_type", "'n2-standard-4'")
    rate: str = _of_connection("rate", "1000")
    disk_type: str = _of_connection(
        "disk_type",
        f"'hyperdisk-balanced' if {_EXTRA}.get('machine_type', '')[:2] in ('c4', 'n4') "
        "else 'pd-ssd'",
    )
    data_disk_gb: str = _of_connection("data_disk_gb", "100")
    max_run_seconds: str = _of_connection("max_run_seconds", str(14 * 3600))
    service_account: str = _of_connection(
        "service_account", f"'ventas-druid@' ~ {_EXTRA}['project'] ~ '.iam.gserviceaccount.com'"
    )
    subnetwork: str = _of_connection(
        "subnetwork",
        f"'regions/' ~ {_EXTRA}['zone'].rsplit('-', 1)[0] ~ '/subnetworks/default'",
    )
    bucket: str = _of_connection("bucket", "''")
    druid_url: str = _of_connection(
        "druid_url",
        "'https://archive.apache.org/dist/druid/33.0.0/apache-druid-33.0.0-bin.tar.gz'",
    )
    druid_checksum: str = _of_connection(
        "druid_checksum", "'5ee5ddbcc2273834af8a18dd173b2a04b9a911cb7ce516279db605788abd7d79'"
    )
    secret_kafka_jaas: str = _of_connection("secret_kafka_jaas", "'ventas-kafka-jaas'")
    secret_druid_admin: str = _of_connection("secret_druid_admin", "'ventas-druid-admin'")
    secret_druid_internal: str = _of_connection("secret_druid_internal", "'ventas-druid-internal'")
    secret_metadata: str = _of_connection("secret_metadata", "'ventas-druid-metadata'")
    metadata_uri: str = _of_connection("metadata_uri", "''")
    metadata_ca: str = _of_connection("metadata_ca", "''")
    metadata_user: str = _of_connection("metadata_user", "'druid'")


def vm_body(zone: str) -> dict[str, Any]:
    """The instance resource (REST, camelCase) for `instances.insert`, as templates for Airflow.

    `zone` may be a template too, or the placeholder ``{zone}``. `with_startup` makes it whole.
    """
    return _body(VmSettings(zone=zone))


def instance(settings: VmSettings) -> dict[str, Any]:
    """The whole instance resource with these settings."""
    return with_startup(_body(settings))


def with_startup(body: dict[str, Any]) -> dict[str, Any]:
    """A body with the startup script and its files added.

    They are no templates, and 25 KB that neither a DAG nor a rendered field has to hold.
    """
    startup = [{"key": key, "value": value} for key, value in boot.metadata().items()]
    metadata = body.get("metadata", {})
    return {**body, "metadata": {**metadata, "items": [*metadata.get("items", []), *startup]}}


def _body(settings: VmSettings) -> dict[str, Any]:
    body: dict[str, Any] = _filled(
        json.loads(_VM.read_text(encoding="utf-8")), dataclasses.asdict(settings)
    )
    return body


def firewall() -> dict[str, Any]:
    """The rule (REST, `firewalls.insert`) that lets IAP, and nobody else, to VMs with the tag."""
    rule: dict[str, Any] = json.loads(_FIREWALL.read_text(encoding="utf-8"))
    return rule


def _filled(part: Any, values: dict[str, str]) -> Any:
    if isinstance(part, dict):
        return {name: _filled(value, values) for name, value in part.items()}
    if isinstance(part, list):
        return [_filled(item, values) for item in part]
    if isinstance(part, str):
        for name, value in values.items():
            part = part.replace(f"{{{name}}}", value)
    return part
