"""Detection of missing Druid services, and the wait for them."""

from collections.abc import Iterable
from itertools import compress, product
from pathlib import Path

import pytest

from include.druid.client import DruidClient, LoginRefusedError
from include.druid.health import NEEDED_SERVERS, missing_services, wait_for_services
from include.stack.ports import free_ports
from include.waiting import WaitTimeoutError
from tests.unit.druid.support import SQL, Router

KINDS = [kind for kinds in NEEDED_SERVERS for kind in kinds]


@pytest.fixture
def client(router: Router) -> DruidClient:
    return DruidClient(router.url, retries=0)


def has(router: Router, kinds: Iterable[str]) -> None:
    router.on("POST", SQL, (200, [{"server_type": kind, "n": 1} for kind in kinds]))


def test_no_service_is_missing_only_if_each_need_has_a_server(
    router: Router, client: DruidClient
) -> None:
    for picked in product([True, False], repeat=len(KINDS)):
        present = set(compress(KINDS, picked))
        has(router, present)
        met = all(present & set(kinds) for kinds in NEEDED_SERVERS)
        assert (missing_services(client) == "") is met, present
    assert "sys.servers" in router.asked[0].body["query"]


@pytest.mark.parametrize("lost", NEEDED_SERVERS, ids=" or ".join)
def test_each_lost_service_is_named(
    router: Router, client: DruidClient, lost: tuple[str, ...]
) -> None:
    has(router, [kind for kind in KINDS if kind not in lost])
    assert missing_services(client) == f"Druid at {router.url} lacks {' or '.join(lost)}"


def test_druid_that_does_not_answer_is_missing() -> None:
    [port] = free_ports(1)
    client = DruidClient(f"http://127.0.0.1:{port}", retries=0)
    assert missing_services(client).startswith(f"Druid at {client.url} does not answer")


def test_refused_login_is_an_error(router: Router, client: DruidClient) -> None:
    router.on("POST", SQL, (401, {"error": "Unauthorized"}))
    with pytest.raises(LoginRefusedError):
        wait_for_services(client, 60)


def test_wait_ends_once_every_service_is_there(router: Router, client: DruidClient) -> None:
    whole = [{"server_type": kind} for kind in KINDS]
    router.on("POST", SQL, (503, {}), (200, whole[1:4]), (200, whole))
    wait_for_services(client, 60)
    assert len(router.asked) == 3


def test_timeout_names_the_missing_service_and_the_end_of_the_log(
    router: Router, client: DruidClient, tmp_path: Path
) -> None:
    log = tmp_path / "coordinator.log"
    log.write_text("Started.\n")
    has(router, [kind for kind in KINDS if kind != "broker"])
    with pytest.raises(WaitTimeoutError, match=r"lacks broker\)\. The end of .*\n  Started\."):
        wait_for_services(client, 0, log=log)
