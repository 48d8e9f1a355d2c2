"""Check that every Druid service the project needs is registered, with one SQL query."""

from collections.abc import Iterable

SERVERS_SQL = "SELECT server_type, COUNT(*) AS n FROM sys.servers GROUP BY 1"

# One server of each row is needed: coordinator and overlord may share a process, and tasks run in
# an indexer or in a middle manager.
NEEDED_SERVERS = (
    ("coordinator", "overlord"),
    ("broker",),
    ("historical",),
    ("router",),
    ("indexer", "middle_manager"),
)


def missing_servers(present: Iterable[str]) -> list[str]:
    """Return the needed kinds of Druid server that are not present."""
    there = set(present)
    return [" or ".join(kinds) for kinds in NEEDED_SERVERS if there.isdisjoint(kinds)]
