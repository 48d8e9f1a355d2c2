"""Check that every Druid service the project needs is registered, with one SQL query."""

from pathlib import Path
from typing import Final

from include.druid.client import DruidClient, DruidError, LoginRefusedError
from include.waiting import wait_until

STARTING_SECONDS: Final = 180.0
"""Seconds that Druid may take to become healthy once its VM runs."""

FIRST_SALE_SECONDS: Final = 60.0
"""Seconds from the start of the publishing task until Druid has to show its first sale."""

_SERVERS: Final = "SELECT server_type, COUNT(*) AS n FROM sys.servers GROUP BY 1"

_TIMEOUT: Final = 5.0
"""Seconds that the query may take: a Druid that is whole answers within milliseconds."""

# One server of each row is needed: coordinator and overlord may share a process, and tasks run in
# an indexer or in a middle manager.
NEEDED_SERVERS = (
    ("coordinator", "overlord"),
    ("broker",),
    ("historical",),
    ("router",),
    ("indexer", "middle_manager"),
)


def missing_services(client: DruidClient) -> str:
    """Return in words what is missing until Druid can be used; "" if nothing is.

    Raises:
        LoginRefusedError: waiting longer is no help.
    """
    try:
        rows = client.sql(_SERVERS, timeout=_TIMEOUT)
    except LoginRefusedError:
        raise
    except DruidError as error:
        return str(error)
    present = {row["server_type"] for row in rows}
    missing = [" or ".join(kinds) for kinds in NEEDED_SERVERS if present.isdisjoint(kinds)]
    return f"Druid at {client.url} lacks {', '.join(missing)}" if missing else ""


def wait_for_services(client: DruidClient, seconds: float, *, log: Path | None = None) -> None:
    """Wait until Druid has every service that the project needs.

    Raises:
        WaitTimeoutError: with what is missing after so many seconds, and the log's last lines.
    """

    def complete() -> bool:
        if missing := missing_services(client):
            raise _IncompleteError(missing)
        return True

    what = f"every service of Druid at {client.url}"
    wait_until(complete, what, seconds, errors=_IncompleteError, log=log)


class _IncompleteError(DruidError):
    """Its message goes into the message of the time-out."""
