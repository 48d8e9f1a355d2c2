"""The VM and the zones that the connection names."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.sdk import Connection
from jinja2 import Environment
from jinja2.nativetypes import NativeEnvironment
from jinja2.sandbox import SandboxedEnvironment

from ventas_airflow.vm import VM, vm_of, zones_of


@pytest.mark.parametrize(
    ("named", "zones"),
    [
        ("a", ["a"]),
        (" a, b ,,a", ["a", "b"]),
        (["a", ""], ["a"]),
        (["a", ["b", "a"]], ["a", "b"]),
        (["a", "b,c"], ["a", "b", "c"]),
    ],
)
def test_zones_keep_their_order_without_repetition(named: Any, zones: list[str]) -> None:
    assert zones_of(named) == zones


@pytest.mark.parametrize(
    ("more", "zones"),
    [
        ({}, ["r-a"]),
        ({"zones": "r-b,r-c"}, ["r-a", "r-b", "r-c"]),
        ({"zones": ["r-b", "r-a"]}, ["r-a", "r-b"]),
    ],
)
@pytest.mark.parametrize("environment", [NativeEnvironment(), SandboxedEnvironment()])
def test_dag_templates_and_page_name_the_same_vm_and_zones(
    environment: Environment, more: dict[str, Any], zones: list[str]
) -> None:
    extra = {"project": "tienda", "zone": "r-a", "instance": "druid", **more}
    conn = Connection(conn_id="c", conn_type="google_cloud_platform", extra=json.dumps(extra))

    def rendered(template: Any) -> Any:
        if isinstance(template, list):
            return [rendered(part) for part in template]
        return environment.from_string(template).render(conn={"google_cloud_default": conn})

    of_dag = {name: rendered(template) for name, template in VM.items()}
    of_page = vm_of(extra)
    assert zones_of(of_dag.pop("zones")) == zones_of(of_page.pop("zones")) == zones
    assert of_dag == of_page == {"project_id": "tienda", "resource_id": "druid"}
