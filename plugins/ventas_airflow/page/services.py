"""The page's clients of Druid and Kafka, its pools of threads, and its viewers.

Airflow's own API has one pool of threads, which a slow Druid must not occupy.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

from requests.auth import AuthBase

from include.druid.client import DruidClient
from include.names import DRUID_CONNECTION, KAFKA_CONNECTION, PAGE_CONNECTION
from include.texts import InputError
from ventas_airflow.page.fair_threads import FairThreads

T = TypeVar("T")

TIMEOUT: Final = 10.0
"""Seconds to wait for an answer of Druid."""

#: Threads of the Druid queries of an overview.
queries: Final = ThreadPoolExecutor(8, thread_name_prefix="ventas-query")

#: Threads of the calls that wait for those queries, or for Kafka: in the pool of the queries, such
#: a call could wait for its own thread.
looks: Final = FairThreads(8, "ventas-page")

#: One thread that judges the sales: more would take both processors from the other views.
judging: Final = FairThreads(1, "ventas-findings")

#: One thread that reads and simulates whole runs, for the same reason.
comparing: Final = FairThreads(1, "ventas-what-if")

#: Threads of the page's buttons: slow reads must not delay the cancellation of a query.
acts: Final = FairThreads(2, "ventas-act")


class UnknownNameError(InputError):
    """The address has the name of nothing that exists."""


class ViewerLeftError(Exception):
    """The viewer closed the connection before the answer was there."""


@dataclass(frozen=True)
class Viewer:
    """A viewer of the page, who waits for an answer as long as the connection is open.

    Attributes:
        name: name of the Airflow user; all browsers of a user share its turns.
        left: coroutine function that returns when the connection is closed.
    """

    name: str
    left: Callable[[], Coroutine[Any, Any, None]]

    async def wait(self, answer: "asyncio.Future[T]") -> T:
        """Return the answer or raise its error; never cancel it, since other viewers may wait.

        Raises:
            ViewerLeftError: the connection is closed before the answer is there.
        """
        leaving = asyncio.ensure_future(self.left())
        either: set[asyncio.Future[Any]] = {answer, leaving}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
        if not answer.done():
            raise ViewerLeftError
        return answer.result()

    async def run(self, turns: FairThreads, call: Callable[[], T]) -> T:
        """Run a blocking call in a thread of `turns`; raise what `wait` raises, or BusyError."""
        turn = turns.submit(self.name, call)
        try:
            return await self.wait(asyncio.wrap_future(turn))
        finally:
            turn.cancel()


CLIENT_SECONDS: Final = 30.0
"""Seconds that a client and its open connections are kept; a firewall may drop idle ones."""


class _Kept(NamedTuple):
    """A client of Druid, the settings from its Airflow connection, and when it was made."""

    client: DruidClient
    settings: tuple[str, AuthBase | None, bool | str]
    made_at: float


_clients: Final[dict[str, _Kept]] = {}


def druid() -> DruidClient:
    """Return a client of `DRUID_CONNECTION`, with a short time-out, no retries."""
    return _client(DRUID_CONNECTION)


def druid_for_free_sql() -> DruidClient:
    """Return a client of `PAGE_CONNECTION`, or of `druid` if it does not exist."""
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return _client(PAGE_CONNECTION)
    except AirflowNotFoundException:
        return druid()


def _client(connection: str) -> DruidClient:
    """Return a client of an Airflow connection as it is now; all threads share the client."""
    # Importing the providers takes a second, so the API server imports them only here.
    from ventas_airflow.hooks.druid import DruidSupervisorHook, router_url

    hook = DruidSupervisorHook(connection)
    url, auth, verify = settings = (router_url(hook.conn), hook.get_auth(), hook.get_verify())
    now = time.monotonic()
    kept = _clients.get(connection)
    if kept is None or kept.settings != settings or now >= kept.made_at + CLIENT_SECONDS:
        client = DruidClient(url, auth=auth, verify=verify, timeout=TIMEOUT, retries=0)
        kept = _clients[connection] = _Kept(client, settings, now)
    return kept.client


def kafka_config() -> dict[str, Any]:
    """Return librdkafka's configuration of `KAFKA_CONNECTION`; it may hold secrets."""
    from ventas_airflow.hooks.kafka import KafkaConfigHook

    config: dict[str, Any] = KafkaConfigHook(KAFKA_CONNECTION).get_conn
    return config
