"""Druid and Kafka as the page reaches them, by Airflow's connections, and the threads it waits in.

Airflow's own API shares one pool of threads: a Druid that is slow must not take those.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from include.druid.client import DruidClient

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
waiting: Final = ThreadPoolExecutor(8, thread_name_prefix="ventas-page")

#: What judges the sales, one after the other: it must not take both processors from those who look.
judging: Final = ThreadPoolExecutor(1, thread_name_prefix="ventas-findings")


async def in_thread(
    function: Callable[..., T], *arguments: Any, threads: Executor = waiting, **named: Any
) -> T:
    """Run what blocks, off the event loop, in a thread of the page's own."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(threads, partial(function, *arguments, **named))


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
