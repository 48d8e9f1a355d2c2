"""What a Druid that is of use consists of: one query tells."""

from collections.abc import Iterable

SERVERS_SQL = "SELECT server_type, COUNT(*) AS n FROM sys.servers GROUP BY 1"

# One of each row must be there: the roles may share a process, and tasks run in either kind.
NEEDED_SERVERS = (
    ("coordinator", "overlord"),
    ("broker",),
    ("historical",),
    ("router",),
    ("indexer", "middle_manager"),
)


def missing_servers(present: Iterable[str]) -> list[str]:
    """Return the kinds of Druid server that are needed and not among those present."""
    there = set(present)
    return [" or ".join(kinds) for kinds in NEEDED_SERVERS if there.isdisjoint(kinds)]
