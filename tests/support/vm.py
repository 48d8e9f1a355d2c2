"""The emulator's VM, switched by Google's own client."""

import json

from google.api_core.exceptions import NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud.compute_v1 import Instance, InstancesClient

from include.druid.client import DruidClient, DruidError
from include.druid.health import SERVERS_SQL, missing_servers
from include.gcp.definition import vm_body
from include.stack.airflow import PROJECT_ID, VM_NAME, ZONE
from include.stack.settings import Settings
from include.stack.waiting import wait_until

VM = {"project": PROJECT_ID, "zone": ZONE, "instance": VM_NAME}


def instances(settings: Settings) -> InstancesClient:
    return InstancesClient(
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": settings.url("compute")},
    )


def start_vm(settings: Settings) -> float:
    """Create or start the VM and wait for Druid's health; returns the seconds it took."""
    client = instances(settings)
    try:
        status = client.get(**VM).status
    except NotFound:
        body = {**vm_body(ZONE), "name": VM_NAME}
        resource = Instance.from_json(json.dumps(body), ignore_unknown_fields=True)
        client.insert_unary(project=PROJECT_ID, zone=ZONE, instance_resource=resource)
    else:
        if status == "TERMINATED":
            client.start_unary(**VM)
    return wait_until(
        lambda: is_healthy(settings),
        service="Druid",
        address=settings.url("router"),
        seconds=120,
        log=settings.logs / "coordinator.log",
    )


def stop_vm(settings: Settings) -> float:
    client = instances(settings)
    client.stop_unary(**VM)
    return wait_until(
        lambda: client.get(**VM).status == "TERMINATED",
        service="The VM",
        address=settings.url("compute"),
        seconds=60,
    )


def is_healthy(settings: Settings) -> bool:
    try:
        rows = DruidClient(settings.url("router"), timeout=2, retries=0).sql(SERVERS_SQL, timeout=2)
    except DruidError:
        return False
    return not missing_servers(row["server_type"] for row in rows)
