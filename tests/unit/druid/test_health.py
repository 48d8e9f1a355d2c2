"""Detection of missing Druid servers."""

import pytest

from include.druid.health import missing_servers

ALL = ("coordinator", "broker", "historical", "router", "indexer")


def test_complete_druid_misses_no_server() -> None:
    assert missing_servers(ALL) == []
    assert missing_servers(["overlord", "middle_manager", *ALL[1:4]]) == []


@pytest.mark.parametrize(
    ("lost", "named"),
    [
        ("coordinator", "coordinator or overlord"),
        ("broker", "broker"),
        ("historical", "historical"),
        ("router", "router"),
        ("indexer", "indexer or middle_manager"),
    ],
)
def test_each_lost_server_is_named(lost: str, named: str) -> None:
    assert missing_servers(server for server in ALL if server != lost) == [named]
