"""The hook's requests need exactly the rights that Terraform gives to Airflow's account."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException

from include.gcp.definition import kept_disks, vm_body, with_existing_disks
from include.stack.settings import ROOT
from tests.support.cloud.google import Google, google_cloud
from ventas_airflow.hooks.compute import VentasComputeEngineHook

ZONE = "southamerica-east1-a"
EXTRA = {"project": "my-project", "zone": ZONE, "instance": "druid-ventas"}
VM = {"project_id": "my-project", "zone": ZONE, "resource_id": "druid-ventas"}

#: Rights from `roles/compute.networkUser` and `roles/iam.serviceAccountUser`.
OTHER_RIGHTS = {"compute.subnetworks.use", "iam.serviceAccounts.actAs"}


def role() -> set[str]:
    """Return the permissions of the custom role, from Terraform's file."""
    pattern = r'role_id\s*=\s*"ventasVmOperator".*?permissions = \[(.*?)\]'
    texts = [file.read_text("utf-8") for file in (ROOT / "terraform").rglob("*.tf")]
    (found,) = [match[1] for text in texts for match in re.finditer(pattern, text, re.DOTALL)]
    return set(re.findall(r'"([\w.]+)"', found))


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    with google_cloud() as cloud:
        cloud.enable_api("compute.googleapis.com")
        for path in (
            "iam.googleapis.com/projects/my-project/serviceAccounts/"
            "ventas-druid@my-project.iam.gserviceaccount.com",
            "compute.googleapis.com/projects/my-project/regions/southamerica-east1/"
            "subnetworks/ventas",
        ):
            cloud.resources[path] = {}
        extra = {**EXTRA, "api_endpoint": f"{cloud.endpoint}/compute.googleapis.com"}
        connection = {
            "conn_type": "google_cloud_platform",
            "extra": {**extra, "is_anonymous": True},
        }
        monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", json.dumps(connection))
        yield cloud


def use_everything(google: Google) -> None:
    """Create the VM, read, stop and start it; then create it again beside its kept disk."""
    hook = VentasComputeEngineHook()
    rendering: Any = {"conn": {"google_cloud_default": SimpleNamespace(extra_dejson=EXTRA)}}
    body = BaseOperator(task_id="vm").render_template(vm_body(ZONE), rendering)
    kept: dict[str, Any] = {"project_id": "my-project", "zone": ZONE, "names": kept_disks(body)}
    assert hook.existing_disks(**kept) == []
    wait(hook, hook.begin_insert(**VM, body=body))
    hook.console(**VM)
    wait(hook, hook.begin_stop(**VM))
    wait(hook, hook.begin_start(**VM))
    vm = hook.find(project_id="my-project", zones=ZONE, resource_id="druid-ventas")
    assert vm
    # It answers "" if the operations cannot be read.
    assert hook.ended_by(vm)
    google.remove(f"compute.googleapis.com/projects/my-project/zones/{ZONE}/instances/druid-ventas")
    google.remove(f"compute.googleapis.com/projects/my-project/zones/{ZONE}/disks/druid-ventas")
    again = with_existing_disks(body, ZONE, hook.existing_disks(**kept))
    wait(hook, hook.begin_insert(**VM, body=again))


def wait(hook: VentasComputeEngineHook, operation: str) -> None:
    assert hook.look(**VM, operation=operation) is not None


def test_rights_of_airflows_account_suffice(google: Google) -> None:
    google.only(*role(), *OTHER_RIGHTS)
    use_everything(google)
    assert google.lacked == set()


@pytest.mark.parametrize("right", sorted(role() | OTHER_RIGHTS))
def test_each_right_of_airflows_account_is_needed(google: Google, right: str) -> None:
    google.only(*(role() | OTHER_RIGHTS) - {right})
    with pytest.raises((AirflowException, AssertionError)):
        use_everything(google)
    assert google.lacked == {right}
