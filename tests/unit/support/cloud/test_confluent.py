"""Confluent's stand-in: clusters, keys, topics and ACLs, and each way in which a test breaks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.support.cloud.confluent import API_KEY, Confluent
from tests.unit.support.cloud.asking import ask

ENVIRONMENTS = "org/v2/environments"
CLUSTERS = "cmk/v2/clusters"
ACCOUNTS = "iam/v2/service-accounts"
KEYS = "iam/v2/api-keys"


def cluster_body(environment: str) -> dict[str, Any]:
    return {
        "spec": {
            "display_name": "ventas",
            "availability": "SINGLE_ZONE",
            "cloud": "GCP",
            "region": "southamerica-east1",
            "config": {"kind": "Basic"},
            "environment": {"id": environment},
        }
    }


@dataclass
class Place:
    """A cluster with the keys of its administrator and of an account without rights."""

    confluent: Confluent
    environment: str
    cluster: dict[str, Any]
    admin: tuple[str, str]
    sales: tuple[str, str]
    account: str

    @property
    def rest(self) -> str:
        identifier = self.cluster["id"]
        return f"{self.cluster['spec']['http_endpoint']}/kafka/v3/clusters/{identifier}"

    def ask(self, method: str, path: str, body: Any = None, **kinds: Any) -> Any:
        return ask(
            self.confluent, method, f"{self.rest}/{path}", body, **{"auth": self.admin, **kinds}
        )


def account_key(confluent: Confluent, name: str, cluster: str) -> tuple[str, tuple[str, str]]:
    """Create a service account with a key for the cluster; return its id and the key."""
    account = ask(confluent, "POST", ACCOUNTS, {"display_name": name}, status=201)["id"]
    spec = {"owner": {"id": account}, "resource": {"id": cluster}}
    key = ask(confluent, "POST", KEYS, {"spec": spec}, status=202)
    return account, (key["id"], key["spec"]["secret"])


@pytest.fixture
def place(confluent: Confluent) -> Place:
    confluent.cluster_polls = confluent.key_polls = 0
    body = {"display_name": "ventas"}
    environment = ask(confluent, "POST", ENVIRONMENTS, body, status=201)["id"]
    cluster = ask(confluent, "POST", CLUSTERS, cluster_body(environment), status=202)
    admin, admin_key = account_key(confluent, "admin", cluster["id"])
    binding = {
        "principal": f"User:{admin}",
        "role_name": "CloudClusterAdmin",
        "crn_pattern": cluster["metadata"]["resource_name"],
    }
    ask(confluent, "POST", "iam/v2/role-bindings", binding, status=201)
    account, key = account_key(confluent, "ventas-airflow", cluster["id"])
    return Place(confluent, environment, cluster, admin_key, key, account)


def acl(principal: str, operation: str, name: str = "ventas", kind: str = "TOPIC") -> Any:
    return {
        "resource_type": kind,
        "resource_name": name,
        "pattern_type": "LITERAL",
        "principal": f"User:{principal}",
        "host": "*",
        "operation": operation,
        "permission": "ALLOW",
    }


def test_cluster_has_endpoints_once_it_is_provisioned(confluent: Confluent) -> None:
    body = {"display_name": "ventas"}
    environment = ask(confluent, "POST", ENVIRONMENTS, body, status=201)["id"]
    cluster = ask(confluent, "POST", CLUSTERS, cluster_body(environment), status=202)
    path = f"{CLUSTERS}/{cluster['id']}?environment={environment}"
    spec = {"owner": {"id": "u-111aaa"}, "resource": {"id": cluster["id"]}}
    ask(confluent, "POST", KEYS, {"spec": spec}, status=400)
    phases = [cluster["status"]["phase"]]
    while phases[-1] == "PROVISIONING":
        assert "http_endpoint" not in cluster["spec"]
        cluster = ask(confluent, "GET", path)
        phases.append(cluster["status"]["phase"])
    assert phases == ["PROVISIONING", "PROVISIONING", "PROVISIONED"]
    assert cluster["spec"]["kafka_bootstrap_endpoint"].startswith("SASL_SSL://")
    confluent.fail_cluster(cluster["id"])
    assert ask(confluent, "GET", path)["status"]["phase"] == "FAILED"


def test_registry_comes_after_a_while_and_asks_for_a_role_on_the_subject(place: Place) -> None:
    confluent, path = place.confluent, f"srcm/v3/clusters?environment={place.environment}"
    lists = [ask(confluent, "GET", path)["data"] for _ in range(3)]
    assert [len(found) for found in lists] == [0, 0, 1]
    (registry,) = lists[-1]
    confluent.key_polls = 0
    account, key = account_key(confluent, "registry", registry["id"])
    url = f"{registry['spec']['http_endpoint']}/compatibility/subjects"
    tried = f"{url}/ventas-value/versions/latest"
    ask(confluent, "POST", tried, {}, auth=place.sales, status=401)
    assert ask(confluent, "POST", tried, {}, auth=key, status=403)["error_code"] == 40301
    role = {
        "principal": f"User:{account}",
        "role_name": "DeveloperWrite",
        "crn_pattern": f"{registry['metadata']['resource_name']}/subject=ventas-value",
    }
    ask(confluent, "POST", "iam/v2/role-bindings", role, status=201)
    assert ask(confluent, "POST", tried, {}, auth=key, status=404)["error_code"] == 40401
    ask(confluent, "POST", f"{url}/other-value/versions/latest", {}, auth=key, status=403)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", ENVIRONMENTS, {}, 422),
        ("POST", ENVIRONMENTS, {"name": "x"}, 422),
        ("POST", ENVIRONMENTS, {"display_name": "ventas"}, 409),
        ("POST", ACCOUNTS, {"display_name": "admin"}, 409),
        ("POST", CLUSTERS, {"spec": {"display_name": "x"}}, 422),
        ("POST", CLUSTERS, cluster_body("env-0"), 404),
        ("GET", CLUSTERS, None, 400),
        ("GET", f"{ACCOUNTS}?name=admin", None, 400),
        ("GET", f"{ACCOUNTS}?page_size=101", None, 400),
        ("GET", f"{CLUSTERS}/lkc-00002", None, 403),
        ("GET", f"{ENVIRONMENTS}/env-0", None, 404),
        ("GET", "org/v3/environments", None, 404),
        ("POST", "srcm/v3/clusters", {}, 404),
        ("DELETE", f"{ENVIRONMENTS}/env-00001", None, 409),
    ],
)
def test_request_that_the_api_does_not_have_is_refused(
    place: Place, method: str, path: str, body: Any, status: int
) -> None:
    before = dict(place.confluent.resources)
    (error,) = ask(place.confluent, method, path, body, status=status)["errors"]
    assert error["status"] == str(status)
    assert error["detail"]
    assert place.confluent.resources == before


def test_cloud_asks_for_its_own_key(place: Place) -> None:
    for auth in ((API_KEY, "x"), ("x", "x"), place.admin):
        ask(place.confluent, "GET", ENVIRONMENTS, auth=auth, status=401)
    place.confluent.unauthorized.add(KEYS)
    ask(place.confluent, "GET", KEYS, status=403)


def test_secret_of_a_key_is_shown_at_its_creation_only(place: Place) -> None:
    key, secret = place.admin
    shown = ask(place.confluent, "GET", f"{KEYS}/{key}")
    listed = ask(place.confluent, "GET", f"{KEYS}?spec.owner={shown['spec']['owner']['id']}")
    assert [it["id"] for it in listed["data"]] == [key]
    assert secret not in f"{shown}{listed}"


def test_list_has_pages(place: Place) -> None:
    place.confluent.page_size = 1
    names, path = [], f"{KEYS}?spec.resource={place.cluster['id']}&page_size=10"
    while path:
        page = ask(place.confluent, "GET", path)
        names += [it["id"] for it in page["data"]]
        path = page["metadata"].get("next", "")
    assert names == [place.admin[0], place.sales[0]]


def test_exceeded_quota_is_refused(place: Place) -> None:
    place.confluent.limits["kafka_clusters_per_environment"] = 1
    body = cluster_body(place.environment)
    (error,) = ask(place.confluent, "POST", CLUSTERS, body, status=402)["errors"]
    assert error["detail"].endswith("kafka_clusters_per_environment")


def test_new_key_is_not_known_to_the_cluster_at_once(place: Place) -> None:
    place.confluent.key_polls = 2
    _, key = account_key(place.confluent, "ventas-druid", place.cluster["id"])
    for _ in range(2):
        assert place.ask("GET", "topics", auth=key, status=401)["error_code"] == 40101
    place.ask("GET", "topics", auth=key)
    place.confluent.revoke(key[0])
    place.ask("GET", "topics", auth=key, status=401)
    ask(place.confluent, "GET", f"{KEYS}/{key[0]}")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"topic_name": "ventas"}, 40002),
        ({"topic_name": "a", "replication_factor": 1}, 40002),
        ({"topic_name": "a", "partitions_count": 5}, 40002),
        ({"topic_name": "a/b"}, 40002),
        ({"topic_name": "a", "partitions": 3}, 400),
    ],
)
def test_topic_that_the_cluster_does_not_take_is_refused(
    place: Place, body: Any, code: int
) -> None:
    place.confluent.partition_limit = 10
    place.ask("POST", "topics", {"topic_name": "ventas", "partitions_count": 6}, status=201)
    assert place.ask("POST", "topics", body, status=400)["error_code"] == code
    assert [it["topic_name"] for it in place.ask("GET", "topics")["data"]] == ["ventas"]


def test_topic_shows_its_own_settings_and_the_defaults(place: Place) -> None:
    configs = [{"name": "retention.ms", "value": "86400000"}]
    place.ask("POST", "topics", {"topic_name": "ventas", "configs": configs}, status=201)
    shown = {it["name"]: it for it in place.ask("GET", "topics/ventas/configs")["data"]}
    assert (shown["retention.ms"]["value"], shown["retention.ms"]["is_default"]) == (
        "86400000",
        False,
    )
    one = place.ask("GET", "topics/ventas/configs/max.message.bytes")
    assert one == shown["max.message.bytes"]


def test_account_may_do_what_its_acls_allow(place: Place) -> None:
    sales = {"auth": place.sales}
    place.ask("POST", "topics", {"topic_name": "ventas"}, status=201)
    place.ask("POST", "topics", {"topic_name": "other"}, status=201)
    assert place.ask("GET", "topics", **sales)["data"] == []
    place.ask("GET", "topics/ventas", **sales, status=404)
    refused = place.ask("POST", "topics", {"topic_name": "ventas.ledger"}, **sales, status=403)
    assert refused["error_code"] == 40301
    place.ask("GET", "acls", **sales, status=403)
    place.ask("POST", "acls", acl(place.account, "READ"), **sales, status=403)
    for entry in (acl(place.account, "READ"), acl(place.account, "CREATE", "ventas.ledger")):
        place.ask("POST", "acls", entry, status=201)
    assert [it["topic_name"] for it in place.ask("GET", "topics", **sales)["data"]] == ["ventas"]
    place.ask("GET", "topics/ventas/configs", **sales, status=403)
    place.ask("POST", "topics", {"topic_name": "ventas.ledger"}, **sales, status=201)


def test_acls_are_listed_and_deleted_by_filter(place: Place) -> None:
    entries = [acl(place.account, name) for name in ("READ", "WRITE")]
    for _ in range(2):
        place.ask("POST", "acls:batch", {"data": entries}, status=201)
    listed = place.ask("GET", f"acls?principal=User:{place.account}")["data"]
    assert [it["operation"] for it in listed] == ["READ", "WRITE"], "the same ACL is there once"
    path = "acls?resource_type=TOPIC&pattern_type=LITERAL&permission=ALLOW"
    place.ask("DELETE", path, status=400)
    deleted = place.ask("DELETE", f"{path}&operation=READ")["data"]
    assert [it["operation"] for it in deleted] == ["READ"]
    assert place.confluent.kafka[place.cluster["id"]].acls == [entries[1]]


@pytest.mark.parametrize(
    "change",
    [{"operation": "Read"}, {"pattern_type": "PREFIX"}, {"principal": "User:x"}, {"host": "a"}],
)
def test_acl_with_an_unknown_word_is_refused(place: Place, change: dict[str, str]) -> None:
    entry = {**acl(place.account, "READ"), **change}
    assert place.ask("POST", "acls", entry, status=400)["error_code"] == 40002


def test_deleted_account_loses_its_keys(place: Place) -> None:
    ask(place.confluent, "DELETE", f"{ACCOUNTS}/{place.account}", status=204)
    ask(place.confluent, "GET", f"{KEYS}/{place.sales[0]}", status=404)
    place.ask("GET", "topics", auth=place.sales, status=401)


@pytest.mark.parametrize("effect", [False, True])
def test_broken_off_request_has_its_effect_or_not(confluent: Confluent, effect: bool) -> None:
    confluent.fail_after(0, effect=effect)
    body = {"display_name": "ventas"}
    with pytest.raises(httpx.TransportError):
        ask(confluent, "POST", ENVIRONMENTS, body, status=201)
    names = [it["display_name"] for it in ask(confluent, "GET", ENVIRONMENTS)["data"]]
    assert names == (["ventas"] if effect else [])
    assert confluent.requests[0].body == body
