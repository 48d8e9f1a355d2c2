"""The emulator's VM, started and stopped through Google's own client."""

import json
from types import SimpleNamespace
from typing import Any

from airflow.sdk import BaseOperator
from google.api_core.exceptions import NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud.compute_v1 import Instance, InstancesClient

from include.druid.health import wait_for_services
from include.gcp.definition import vm_body
from include.stack import security
from include.stack.airflow import PROJECT_ID, VM_NAME, ZONE, connections
from include.stack.settings import Settings
from include.waiting import wait_until

VM: dict[str, Any] = {"project": PROJECT_ID, "zone": ZONE, "instance": VM_NAME}


def instances(settings: Settings) -> InstancesClient:
    return InstancesClient(
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": settings.url("compute")},
    )


def rendered_body(settings: Settings) -> dict[str, Any]:
    """Return the VM's instance resource, rendered with the embedded stack's connection."""
    extra = connections(settings)["google_cloud_default"]["extra"]
    rendering: Any = {"conn": {"google_cloud_default": SimpleNamespace(extra_dejson=extra)}}
    body: dict[str, Any] = BaseOperator(task_id="vm").render_template(vm_body(ZONE), rendering)
    return {**body, "name": VM_NAME}


def start_vm(settings: Settings) -> None:
    """Create or start the VM, and wait until Druid is healthy."""
    client = instances(settings)
    try:
        status = client.get(**VM).status
    except NotFound:
        resource = Instance.from_json(json.dumps(rendered_body(settings)))
        client.insert_unary(project=PROJECT_ID, zone=ZONE, instance_resource=resource)
    else:
        if status == "TERMINATED":
            client.start_unary(**VM)
    druid = security.druid_client(settings, retries=0)
    wait_for_services(druid, 300, log=settings.logs / "coordinator.log")


def stop_vm(settings: Settings) -> None:
    client = instances(settings)
    client.stop_unary(**VM)
    wait_until(lambda: client.get(**VM).status == "TERMINATED", "the VM's stop", 300)
