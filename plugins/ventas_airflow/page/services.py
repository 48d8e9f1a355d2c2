"""Druid and Kafka as the page reaches them, by Airflow's connections, and how viewers wait.

Airflow's own API shares one pool of threads: a Druid that is slow must not take those.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from include.druid.client import DruidClient
from ventas_airflow.page.turns import Turns

if TYPE_CHECKING:
    from ventas_airflow.hooks.druid import DruidSupervisorHook

T = TypeVar("T")

DATASOURCE: Final = "ventas"

PAGE_CONNECTION: Final = "druid_page_default"
"""Optional connection for free SQL, with a login that may only read the datasource of sales."""

TIMEOUT: Final = 10.0
"""Seconds for an answer of Druid, and of Compute Engine."""

#: Queries that run beside one another.
queries: Final = ThreadPoolExecutor(8, thread_name_prefix="ventas-query")

#: What waits for such queries, or for Kafka. In the same pool it would wait for itself.
looks: Final = Turns(8, "ventas-page")

#: What judges the sales, one after the other: it must not take both processors from those who look.
judging: Final = Turns(1, "ventas-findings")

#: The page's buttons: a look that takes long must not delay the end of a query.
acts: Final = Turns(2, "ventas-act")


class ViewerLeftError(Exception):
    """The viewer has closed the connection."""


@dataclass(frozen=True)
class Viewer:
    """Who asks, as Airflow knows them, and how it is known that they do not wait any more.

    Attributes:
        name: the Airflow user's; all browsers of a user share its turns.
        left: ends when the connection is closed.
    """

    name: str
    left: Callable[[], Coroutine[Any, Any, None]]

    async def wait(self, answer: "asyncio.Future[T]") -> T:
        """Return the answer or raise its error; neither cancels it for others who wait.

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

    async def run(self, turns: Turns, call: Callable[[], T]) -> T:
        """Run what blocks in a thread of `turns`; raises as `wait`, and BusyError."""
        turn = turns.submit(self.name, call)
        try:
            return await self.wait(asyncio.wrap_future(turn))
        finally:
            turn.cancel()


def druid() -> DruidClient:
    """A client of the router of connection `druid_ingest_default`; one that gives up soon."""
    # The providers take a second to import: the API server starts without them.
    from ventas_airflow.hooks.druid import DruidSupervisorHook

    return _client(DruidSupervisorHook())


def druid_for_free_sql() -> DruidClient:
    """Return a client of connection `druid_page_default`, or that of `druid` if there is none."""
    from airflow.sdk.exceptions import AirflowNotFoundException

    from ventas_airflow.hooks.druid import DruidSupervisorHook

    try:
        return _client(DruidSupervisorHook(PAGE_CONNECTION))
    except AirflowNotFoundException:
        return druid()


def _client(hook: "DruidSupervisorHook") -> DruidClient:
    from ventas_airflow.hooks.druid import router_url

    return DruidClient(
        router_url(hook.conn),
        auth=hook.get_auth(),
        verify=hook.get_verify(),
        timeout=TIMEOUT,
        retries=0,
    )


def kafka_config() -> dict[str, Any]:
    """librdkafka's configuration of connection `kafka_default`; it may hold secrets."""
    from ventas_airflow.hooks.kafka import KafkaConfigHook

    config: dict[str, Any] = KafkaConfigHook().get_conn
    return config
