"""Google's stand-in: rights, secrets and buckets, and each way in which a test breaks it."""

from __future__ import annotations

import base64
import io
import time
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
from google.api_core.exceptions import NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from include.stack.compute.discovery import api
from tests.support.cloud.google import Google, google_cloud
from tests.unit.support.cloud.asking import (
    ACCOUNTS,
    ALL_APIS,
    BUCKETS,
    COMPUTE,
    PROJECT,
    SECRETS,
    ZONE,
    ask,
    client,
    message,
)

SERVICES = f"serviceusage.googleapis.com/v1/{PROJECT}/services"
MANAGER = f"cloudresourcemanager.googleapis.com/v3/{PROJECT}"
DRUID = "ventas-druid@my-project.iam.gserviceaccount.com"


@pytest.fixture
def ready(google: Google) -> Google:
    google.enable_api(*ALL_APIS, "cloudresourcemanager.googleapis.com")
    return google


def add_version(google: Google, secret: str, value: str) -> Any:
    data = base64.b64encode(value.encode()).decode()
    return ask(google, "POST", f"{SECRETS}/{secret}:addVersion", {"payload": {"data": data}})


# -- APIs, billing, rights -----------------------------------------------------------------------


def test_stand_in_reads_no_document_before_it_is_asked() -> None:
    """They are megabytes of JSON."""
    before = api.cache_info()
    with google_cloud():
        assert api.cache_info() == before


def test_api_that_is_off_answers_as_google_until_it_is_enabled(google: Google) -> None:
    google.propagation = 1
    error = ask(google, "GET", f"{COMPUTE}/global/networks", status=403)["error"]
    assert "has not been used in project 123456789012 before or it is disabled" in error["message"]
    assert error["details"][0]["reason"] == "SERVICE_DISABLED"
    operation = ask(google, "POST", f"{SERVICES}:batchEnable", {"serviceIds": list(ALL_APIS)})
    assert ask(google, "GET", f"{SERVICES}/iap.googleapis.com")["state"] == "DISABLED"
    assert ask(google, "GET", f"serviceusage.googleapis.com/v1/{operation['name']}")["done"]
    assert ask(google, "GET", f"{SERVICES}/iap.googleapis.com")["state"] == "ENABLED"
    ask(google, "GET", f"{COMPUTE}/global/networks", status=403)
    ask(google, "GET", f"{COMPUTE}/global/networks")


def test_project_without_billing_turns_no_paid_api_on(google: Google) -> None:
    google.enable_api("cloudbilling.googleapis.com")
    google.no_billing()
    refused = ask(google, "POST", f"{SERVICES}/compute.googleapis.com:enable", {}, status=400)
    assert "Billing account for project '123456789012' is not found" in message(refused)
    path = f"cloudbilling.googleapis.com/v1/{PROJECT}/billingInfo"
    assert ask(google, "GET", path)["billingEnabled"] is False


def test_denied_permission_is_not_granted_and_its_method_is_refused(ready: Google) -> None:
    ready.deny("compute.networks.create")
    asked = {"permissions": ["compute.networks.create", "compute.networks.get"]}
    held = ask(ready, "POST", f"{MANAGER}:testIamPermissions", asked)
    assert held == {"permissions": ["compute.networks.get"]}
    refused = ask(ready, "POST", f"{COMPUTE}/global/networks", {"name": "ventas"}, status=403)
    assert message(refused).startswith("Required 'compute.networks.create' permission for")
    ready.allow("compute.networks.create")
    ask(ready, "POST", f"{COMPUTE}/global/networks", {"name": "ventas"})


def test_wrong_login_and_foreign_project_are_refused(ready: Google) -> None:
    ask(ready, "GET", "cloudresourcemanager.googleapis.com/v3/projects/other", status=403)
    ready.no_login()
    ask(ready, "GET", MANAGER, status=401)


def test_clock_of_the_answers_can_differ(google: Google) -> None:
    google.clock_skew(600)
    answer = client().get(f"{google.endpoint}/{SERVICES}/iap.googleapis.com")
    assert 590 < parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time() < 610


def test_policy_changed_meanwhile_is_not_overwritten(ready: Google) -> None:
    policy = ask(ready, "POST", f"{MANAGER}:getIamPolicy")
    ask(ready, "POST", f"{MANAGER}:setIamPolicy", {"policy": policy})
    refused = ask(ready, "POST", f"{MANAGER}:setIamPolicy", {"policy": policy}, status=409)
    assert "concurrent policy changes" in message(refused)


def test_condition_needs_version_3_in_question_and_policy(ready: Google) -> None:
    condition = {"title": "t", "expression": "true"}
    binding = {"role": "roles/viewer", "members": ["user:a@b.c"], "condition": condition}
    refused = {"policy": {"bindings": [binding]}}
    ask(ready, "POST", f"{MANAGER}:setIamPolicy", refused, status=400)
    ask(ready, "POST", f"{MANAGER}:setIamPolicy", {"policy": {"bindings": [binding], "version": 3}})
    (blind,) = ask(ready, "POST", f"{MANAGER}:getIamPolicy")["bindings"]
    assert "condition" not in blind
    assert blind["role"].startswith("roles/viewer_withcond_")
    asked = {"options": {"requestedPolicyVersion": 3}}
    assert ask(ready, "POST", f"{MANAGER}:getIamPolicy", asked)["bindings"] == [binding]


def test_policy_takes_only_known_accounts_and_roles(ready: Google) -> None:
    ready.propagation = 1

    def give(role: str, status: int) -> Any:
        binding = {"role": role, "members": [f"serviceAccount:{DRUID}"]}
        body = {"policy": {"bindings": [binding]}}
        return ask(ready, "POST", f"{MANAGER}:setIamPolicy", body, status=status)

    assert f"Service account {DRUID} does not exist" in message(give("roles/viewer", 400))
    ask(ready, "POST", ACCOUNTS, {"accountId": "ventas-druid"})
    assert "does not exist" in message(give("roles/viewer", 400)), "it is not known at once"
    give("roles/viewer", 200)
    assert "does not exist in the resource's" in message(give(f"{PROJECT}/roles/ventas", 400))
    assert "is not supported" in message(give("viewer", 400))


def test_deleted_account_leaves_its_rights_to_no_later_account(ready: Google) -> None:
    ask(ready, "POST", ACCOUNTS, {"accountId": "ventas-druid"})
    ask(ready, "POST", ACCOUNTS, {"accountId": "ventas-druid"}, status=409)
    binding = {"role": "roles/viewer", "members": [f"serviceAccount:{DRUID}"]}
    ask(ready, "POST", f"{MANAGER}:setIamPolicy", {"policy": {"bindings": [binding]}})
    ask(ready, "DELETE", f"{ACCOUNTS}/{DRUID}")
    ask(ready, "POST", ACCOUNTS, {"accountId": "ventas-druid"})
    (member,) = ready.members(MANAGER.replace("/v3", ""), "roles/viewer")
    assert member.startswith(f"deleted:serviceAccount:{DRUID}?uid=")


def test_deleted_role_keeps_its_name_until_it_is_undeleted(ready: Google) -> None:
    roles = f"iam.googleapis.com/v1/{PROJECT}/roles"
    role = {"roleId": "ventasVm", "role": {"includedPermissions": ["compute.disks.get"]}}
    ask(ready, "POST", roles, role)
    ask(ready, "DELETE", f"{roles}/ventasVm")
    assert ask(ready, "GET", f"{roles}/ventasVm")["deleted"]
    ask(ready, "POST", roles, role, status=409)
    ask(ready, "POST", f"{roles}/ventasVm:undelete", {})
    ask(ready, "PATCH", f"{roles}/ventasVm?updateMask=title", {"title": "t", "stage": "BETA"})
    shown = ask(ready, "GET", f"{roles}/ventasVm")
    assert (shown["title"], shown["stage"]) == ("t", "GA"), "the mask names only the title"


# -- Secrets -------------------------------------------------------------------------------------


def test_secret_shows_its_latest_version_unless_that_is_off(ready: Google) -> None:
    ask(ready, "POST", f"{SECRETS}?secretId=a", {"replication": {"automatic": {}}})
    latest = f"{SECRETS}/a/versions/latest"
    assert "has no versions" in message(ask(ready, "GET", f"{latest}:access", status=404))
    add_version(ready, "a", "one")
    assert add_version(ready, "a", "two")["name"] == "projects/123456789012/secrets/a/versions/2"
    payload = ask(ready, "GET", f"{latest}:access")["payload"]
    assert base64.b64decode(payload["data"]) == b"two"
    ask(ready, "POST", f"{latest}:disable", {})
    assert "is in DISABLED state" in message(ask(ready, "GET", f"{latest}:access", status=400))
    states = [v["state"] for v in ask(ready, "GET", f"{SECRETS}/a/versions")["versions"]]
    assert states == ["DISABLED", "ENABLED"], "the newest is the first"
    assert "empty" in message(
        ask(ready, "POST", f"{SECRETS}/a:addVersion", {"payload": {"data": ""}}, status=400)
    )


def test_secret_can_be_set_and_emptied_by_a_test(ready: Google) -> None:
    assert ready.secret_value("a") is None
    for number in range(11):
        ready.secret("a", "{}")
        add_version(ready, "a", f"value {number}")
    assert ready.secret_value("a") == "value 10"
    ready.secret("a", None)
    ask(ready, "GET", f"{SECRETS}/a")
    ask(ready, "GET", f"{SECRETS}/a/versions/latest:access", status=404)


def test_list_has_pages(ready: Google) -> None:
    ready.page_size = 2
    for name in "abc":
        ready.secret(name, None)
    first = ask(ready, "GET", SECRETS)
    second = ask(ready, "GET", f"{SECRETS}?pageToken={first['nextPageToken']}")
    names = [s["name"][-1] for page in (first, second) for s in page["secrets"]]
    assert names == ["a", "b", "c"]
    assert "nextPageToken" not in second


# -- Buckets -------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk_size", [None, 256 * 1024])
def test_own_client_of_google_stores_an_object_and_reads_it(
    google: Google, chunk_size: int | None
) -> None:
    options = {"api_endpoint": f"{google.endpoint}/storage.googleapis.com"}
    cloud = storage.Client("my-project", AnonymousCredentials(), client_options=options)
    with pytest.raises(NotFound):
        cloud.get_bucket("my-bucket")
    bucket = cloud.create_bucket("my-bucket", location="southamerica-east1")
    blob = bucket.blob("archive/druid.tar.gz", chunk_size=chunk_size)
    content = bytes(range(256)) * 2500
    blob.upload_from_file(io.BytesIO(content), size=len(content), checksum="crc32c")
    assert blob.download_as_bytes() == content
    assert [it.name for it in cloud.list_blobs("my-bucket", prefix="archive/")] == [blob.name]
    key = "storage.googleapis.com/b/my-bucket/o/archive/druid.tar.gz"
    assert google.objects[key] == content
    ask(google, "DELETE", f"{BUCKETS}/my-bucket", status=409)
    blob.delete()
    bucket.delete()
    ask(google, "GET", f"{BUCKETS}/my-bucket", status=404)


# -- Interruptions -------------------------------------------------------------------------------


@pytest.mark.parametrize("effect", [False, True])
def test_broken_off_request_has_its_effect_or_not(ready: Google, effect: bool) -> None:
    sent = len(ready.requests)
    ready.fail_after(1, effect=effect)
    ask(ready, "GET", f"{COMPUTE}/global/networks/ventas", status=404)
    with pytest.raises(httpx.TransportError):
        ask(ready, "POST", f"{COMPUTE}/global/networks", {"name": "ventas"})
    ask(ready, "GET", f"{COMPUTE}/global/networks/ventas", status=200 if effect else 404)
    if effect:
        # Time has passed, so its operation is done.
        firewall = {"name": "f", "network": "global/networks/ventas"}
        rule = {**firewall, "allowed": [{"IPProtocol": "tcp"}]}
        ask(ready, "POST", f"{COMPUTE}/global/firewalls", rule)
    recorded = [(it.method, it.path.rpartition("/")[2]) for it in ready.requests[sent:]]
    assert recorded[:3] == [("GET", "ventas"), ("POST", "networks"), ("GET", "ventas")]
    assert ready.requests[sent + 1].body == {"name": "ventas"}


def test_right_to_open_a_tunnel_needs_the_vm(ready: Google) -> None:
    tunnel = f"iap.googleapis.com/v1/{PROJECT}/iap_tunnel/zones/{ZONE}/instances/druid-ventas"
    ask(ready, "POST", f"{tunnel}:getIamPolicy", {}, status=404)
    vm = f"compute.googleapis.com/{PROJECT}/zones/{ZONE}/instances/druid-ventas"
    ready.resources[vm] = {"name": "druid-ventas"}
    assert "bindings" not in ask(ready, "POST", f"{tunnel}:getIamPolicy", {})
