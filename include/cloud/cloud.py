"""The two clouds of a deployment: clients, values that the resources need, and what was found."""

import json
import socket
from collections.abc import Callable
from dataclasses import asdict, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import yaml

from include.cloud.deployment import Deployment
from include.cloud.rest import Clock, Confluent, Google, Kafka
from include.gcp.definition import VmSettings, instance

_GCP: Final = Path(__file__).parents[1] / "gcp"

#: The file of all wanted resources.
WANTED: Final[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("resources.yaml").read_text(encoding="utf-8")
)

#: Name of the key with which `up` grants the ACLs; it is deleted at the end.
_TEMPORARY: Final = "ventas-cloud-temporary"


class Cloud:
    """The clouds of one deployment.

    Args:
        deployment: its settings.
        google: Google's client.
        confluent: returns Confluent's client, or raises `CloudError` without a key.
        druid: a client of Druid's router.
        connect: opens a TCP connection, as `socket.create_connection` does.
        clock: time of the waits.
        tell: prints a step, by the key of its text below `cli.cloud` and the values of its fields.
    """

    def __init__(
        self,
        deployment: Deployment,
        google: Google,
        confluent: Callable[[], Confluent],
        *,
        druid: httpx.Client,
        clock: Clock,
        connect: Callable[[tuple[str, int], float], socket.socket] = socket.create_connection,
        tell: Callable[..., None],
    ) -> None:
        self.deployment = deployment
        self.google = google
        self._confluent = confluent
        self.druid = druid
        self.clock = clock
        self.connect = connect
        self.tell = google.tell = tell
        self.values: dict[str, Any] = values(deployment)
        self.found: dict[str, Any] = {}
        """Found resources, by the name that `into` in resources.yaml gives them."""
        self._temporary = ""

    @cached_property
    def confluent(self) -> Confluent:
        """Confluent's client."""
        confluent = self._confluent()
        confluent.tell = self.tell
        return confluent

    def send(self, request: str, body: Any = None) -> Any:
        """Send a request such as ``POST iam/v1/…`` that changes something; return its result."""
        method, _, path = request.partition(" ")
        if path.startswith("confluent/"):
            return self.confluent.call(method, path.removeprefix("confluent/"), body)
        return self.google.run(method, path, body)

    def keep(self, name: str, resource: Any) -> None:
        """Remember a resource that Confluent gave an id."""
        self.found[name] = resource
        self.values[name] = resource["id"]

    @cached_property
    def kafka(self) -> Kafka:
        """The cluster's REST API, with a temporary key of the person who owns the cloud's key.

        `close` deletes the key; so does the next use, after an interruption.
        """
        owner = self.confluent.call("GET", f"iam/v2/api-keys/{self.confluent.key}")["spec"]["owner"]
        for key in self.keys(owner["id"], _TEMPORARY):
            self.delete_key(key)
        key, secret = self.make_key(owner["id"], _TEMPORARY)
        self._temporary = key
        return self.confluent.at(self.found["cluster"]["spec"]["http_endpoint"], key, secret)

    def keys(self, owner: str, name: str, resource: str = "cluster") -> list[str]:
        """Return the ids of an account's keys with a display name.

        The keys are of the cluster, or of another value of `values`: ``registry``.
        """
        path = f"iam/v2/api-keys?spec.owner={owner}&spec.resource={self.values[resource]}"
        return [
            key["id"]
            for key in self.confluent.items(path)
            if key["spec"].get("display_name") == name
        ]

    def make_key(self, owner: str, name: str, resource: str = "cluster") -> tuple[str, str]:
        """Create a key; return its id and its secret, which nobody answers again."""
        on = {"id": self.values[resource], "environment": self.values["environment"]}
        spec = {"display_name": name, "owner": {"id": owner}, "resource": on}
        made = self.confluent.call("POST", "iam/v2/api-keys", {"spec": spec})
        return made["id"], made["spec"]["secret"]

    def delete_key(self, key: str) -> None:
        """Delete a key of Confluent."""
        self.confluent.call("DELETE", f"iam/v2/api-keys/{key}")

    def close(self) -> None:
        """Delete the temporary key, if there is one."""
        if self._temporary:
            self.delete_key(self._temporary)
            self._temporary = ""


def values(deployment: Deployment) -> dict[str, Any]:
    """Return the values of the placeholders in resources.yaml that are known from the settings."""
    project, region, zone = deployment.project, deployment.region, deployment.zone
    network = f"projects/{project}/global/networks/ventas"
    subnetwork = f"projects/{project}/regions/{region}/subnetworks/ventas"
    vm = json.loads((_GCP / "vm.json").read_text(encoding="utf-8"))
    firewall = json.loads((_GCP / "firewall.json").read_text(encoding="utf-8"))
    airflow_tags = ["ventas-airflow"] if deployment.airflow_vm else []
    found = {
        **msgspec.to_builtins(deployment),
        "region": region,
        "REGION": region.upper(),
        "bucket": deployment.bucket_name,
        "network": network,
        "subnetwork": subnetwork,
        "airflow_tags": airflow_tags,
        "airflow_sources": [*deployment.airflow_ranges, *airflow_tags],
        "router_port": str(deployment.druid_router.port),
        "iap_ranges": firewall["sourceRanges"],
        "firewall": {**firewall, "network": network},
        "labels": vm["labels"],
        "role": WANTED["role"],
        "druid": f"serviceAccount:{deployment.account('ventas-druid')}",
        "airflow": f"serviceAccount:{deployment.account('ventas-airflow')}",
        "airflow_email": deployment.account("ventas-airflow"),
        "google_extra": google_extra(deployment, subnetwork),
    }
    if deployment.create_vm:
        body = instance(vm_settings(deployment, subnetwork))
        disk = body["disks"][1]
        parameters = disk.pop("initializeParams")
        name = parameters["diskName"]
        found["data_disk"] = {
            "name": name,
            "type": f"projects/{project}/{parameters['diskType']}",
            "sizeGb": parameters["diskSizeGb"],
            "labels": parameters["labels"],
        }
        disk["source"] = f"projects/{project}/zones/{zone}/disks/{name}"
        found["vm"] = {**body, "name": deployment.instance}
    return found


def vm_settings(deployment: Deployment, subnetwork: str) -> VmSettings:
    """Return the settings of the VM's definition; all are texts."""
    texts = {
        **{name: str(value) for name, value in msgspec.to_builtins(deployment).items()},
        **WANTED["vm_settings"],
        "rate": f"{deployment.rate:g}",
        "disk_type": deployment.disk,
        "service_account": deployment.account("ventas-druid"),
        "subnetwork": subnetwork,
        "bucket": deployment.bucket_name,
        "druid_properties": "\n".join(deployment.druid_properties),
    }
    return VmSettings(**{field.name: texts[field.name] for field in fields(VmSettings)})


def google_extra(deployment: Deployment, subnetwork: str) -> dict[str, str]:
    """Return the extra of `google_cloud_default`.

    With impersonators, Airflow acts as its account; its VM runs as that account already. Terraform
    alone knows the address and the certificate of Cloud SQL.
    """
    extra = {"project": deployment.project, **asdict(vm_settings(deployment, subnetwork))}
    if deployment.impersonators and not deployment.airflow_vm:
        extra["impersonation_chain"] = deployment.account("ventas-airflow")
    if deployment.cloud_sql:
        del extra["metadata_uri"], extra["metadata_ca"]
    return extra
