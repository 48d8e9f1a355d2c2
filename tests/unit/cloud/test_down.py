"""`down` removes what `up` made, and the data only if asked."""

from __future__ import annotations

import re
from typing import Any

from include.cloud import deploy
from include.cloud.doctor import diagnose
from tests.support.cloud.confluentapis.state import API_KEY
from tests.support.cloud.place import Place

SETTINGS: dict[str, Any] = {
    "create_vm": True,
    "tunnel_members": ("user:ana@example.com",),
    "schema_registry": True,
}


def left(made: Place) -> set[str]:
    """Return kind and name of what is left in Google."""
    return {
        "/".join(key.split("/")[-2:])
        for key, it in made.google.resources.items()
        if not re.search("/operations/|/versions/|billingAccounts", key) and not it.get("deleted")
    }


def keys(made: Place) -> list[str]:
    return [
        key
        for key in made.confluent.resources
        if key.startswith("iam/v2/api-keys/") and not key.endswith(API_KEY)
    ]


def test_data_stay_and_up_makes_the_rest_again(empty: Place) -> None:
    deploy.up(empty.cloud(**SETTINGS))
    password = empty.google.secret_value("ventas-druid-admin")
    kept = deploy.down(empty.cloud(**SETTINGS), delete_data=False)
    data = {
        "disks/druid-ventas-data",
        "b/my-project-ventas-druid",
        "secrets/ventas-druid-admin",
        "secrets/ventas-druid-internal",
    }
    assert left(empty) == data
    assert keys(empty) == []
    assert [it for it in empty.confluent.resources if it.startswith("iam/v2/role-")] == []
    assert {it.kind for it in kept} == {
        *("disk", "bucket", "secret", "environment", "cluster", "confluent_account"),
    }
    assert deploy.down(empty.cloud(**SETTINGS), delete_data=False) == kept
    deploy.up(empty.cloud(**SETTINGS))
    assert empty.google.secret_value("ventas-druid-admin") == password
    assert [it for it in diagnose(empty.cloud(**SETTINGS)) if it.error and it.checked] == []


def test_vm_and_disk_that_the_dag_made_go_too(empty: Place) -> None:
    deploy.up(empty.cloud(**SETTINGS))
    bucket = "storage.googleapis.com/b/my-project-ventas-druid/o/druid/segments/1"
    empty.google.resources[bucket] = {"name": "druid/segments/1", "kind": "storage#object"}
    empty.google.objects[bucket] = b"a segment"
    assert deploy.down(empty.cloud(), delete_data=True) == []
    assert left(empty) == set()
    assert keys(empty) == []
    project = empty.google.policies["cloudresourcemanager.googleapis.com/projects/my-project"]
    assert [it["role"] for it in project["bindings"]] == ["roles/owner"]
    collections = {key.rpartition("/")[0] for key in empty.confluent.resources}
    assert not collections & {"org/v2/environments", "cmk/v2/clusters", "iam/v2/service-accounts"}
