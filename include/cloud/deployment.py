"""The settings of a deployment: `terraform/terraform.tfvars.json`, which Terraform reads too."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import SplitResult, urlsplit

import msgspec

from include.cloud.errors import CloudError
from include.gcp.disks import disk_types

TERRAFORM: Final = Path(__file__).parents[2] / "terraform"

FILE: Final = TERRAFORM / "terraform.tfvars.json"


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """The variables of Terraform that this command needs too, with the same defaults.

    `terraform/variables.tf` describes and checks each.
    """

    project: str
    zone: str = "southamerica-east1-a"
    instance: str = "druid-ventas"
    machine_type: str = "n2-standard-4"
    disk_type: str | None = None
    rate: float = 1000
    data_disk_gb: int = 100
    max_run_seconds: int = 50400
    subnetwork_range: str = "10.80.0.0/24"
    airflow_ranges: tuple[str, ...] = ()
    tunnel_members: tuple[str, ...] = ()
    impersonators: tuple[str, ...] = ()
    airflow_vm: bool = False
    airflow_machine_type: str = "n2-standard-4"
    airflow_vm_members: tuple[str, ...] = ()
    bucket: str = ""
    druid_url: str = "https://archive.apache.org/dist/druid/33.0.0/apache-druid-33.0.0-bin.tar.gz"
    druid_checksum: str = "5ee5ddbcc2273834af8a18dd173b2a04b9a911cb7ce516279db605788abd7d79"
    druid_properties: tuple[str, ...] = ()
    create_vm: bool = False
    druid_address: Annotated[str, msgspec.Meta(pattern=r"^(https?://[^/:]+:\d+)?$")] = ""
    cloud_sql: bool = False
    schema_registry: bool = False

    @property
    def region(self) -> str:
        """Region of the zone."""
        return self.zone.rpartition("-")[0]

    @property
    def disk(self) -> str:
        """Type of both disks, by default the first one that the machine type takes."""
        return self.disk_type or disk_types(self.machine_type)[0]

    @property
    def bucket_name(self) -> str:
        """Name of the bucket for Druid's segments."""
        return self.bucket or f"{self.project}-ventas-druid"

    def account(self, name: str) -> str:
        """Return the e-mail address of a service account of the project."""
        return f"{name}@{self.project}.iam.gserviceaccount.com"

    @property
    def druid_router(self) -> SplitResult:
        """URL at which Airflow reaches Druid's router.

        By default the host is the tunnel's end, or the VM's name in the VPC.
        """
        host = f"{self.instance}.{self.zone}.c.{self.project}.internal"
        if self.tunnel_members and not self.airflow_ranges and not self.airflow_vm:
            host = "127.0.0.1"
        return urlsplit(self.druid_address or f"http://{host}:8888")


def variables() -> frozenset[str]:
    """Return the names of Terraform's variables."""
    texts = (file.read_text(encoding="utf-8") for file in TERRAFORM.glob("*.tf"))
    return frozenset(
        name for text in texts for name in re.findall(r'^variable "(\w+)"', text, re.MULTILINE)
    )


def load(file: Path | None = None) -> Deployment:
    """Read the settings, by default those of `FILE`.

    Raises:
        CloudError: the file is missing or has a value of the wrong type.
    """
    file = file or FILE
    try:
        return msgspec.convert(_read(file), Deployment)
    except msgspec.ValidationError as error:
        if "project" in str(error) and "missing" in str(error):
            raise CloudError("no_project") from None
        raise CloudError("bad_settings", file=file, reason=error) from None


def change(values: dict[str, Any], file: Path | None = None) -> None:
    """Write some settings, by default into `FILE`; the file keeps its other values.

    Raises:
        CloudError: Terraform has no such variable, or a value has the wrong type.
    """
    file = file or FILE
    if unknown := sorted(values.keys() - variables()):
        raise CloudError("unknown_setting", name=unknown[0], known=", ".join(sorted(variables())))
    found = _read(file) | values
    try:
        msgspec.convert({"project": "", **found}, Deployment)
    except msgspec.ValidationError as error:
        raise CloudError("bad_settings", file=file, reason=error) from None
    if values:
        new = file.with_suffix(".new")
        new.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        new.replace(file)


def parse(pairs: Iterable[str]) -> dict[str, Any]:
    """Return the settings of ``NAME=VALUE`` texts; a value is JSON, or else text.

    Raises:
        CloudError: a text has no equals sign.
    """
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise CloudError("no_equals_sign", pair=pair)
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _read(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CloudError("bad_settings", file=file, reason=error) from None
    if not isinstance(found, dict):
        raise CloudError("bad_settings", file=file, reason="{}")
    return found
