"""The VM's body, as Compute Engine's own client understands it."""

from __future__ import annotations

import json
from typing import Any

from google.cloud.compute_v1 import Instance

from include.gcp.definition import vm_body


def test_compute_engines_client_knows_every_field() -> None:
    instance = Instance.from_json(json.dumps(vm_body("southamerica-east1-a")))
    assert instance.machine_type == "zones/southamerica-east1-a/machineTypes/n2-standard-4"
    [disk] = instance.disks
    assert disk.boot
    assert disk.auto_delete
    assert disk.initialize_params.disk_type.startswith("zones/southamerica-east1-a/")


def test_no_address_is_open_to_the_internet() -> None:
    assert [n.get("accessConfigs") for n in vm_body("z")["networkInterfaces"]] == [None]


def test_the_zone_may_be_a_template_and_is_put_in_everywhere() -> None:
    template = "{{ conn.google_cloud_default.extra_dejson['zone'] }}"
    body: dict[str, Any] = vm_body(template)
    assert json.dumps(body).count(template) == 2
    assert "{zone}" not in json.dumps(body)
