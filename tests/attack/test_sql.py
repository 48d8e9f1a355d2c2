"""Free SQL against a real broker: no statement ends a process of Druid or keeps it busy."""

import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import psutil
import pytest

from include.druid.client import (
    DruidClient,
    DruidError,
    DruidUnreachableError,
    QueryCanceledError,
    QueryTimeoutError,
)
from include.druid.sql_box import ask_freely, query_id
from include.druid.sql_lexer import SqlRefusedError
from include.druid.supervisor import supervisor_spec
from include.sales.content import SaleSource
from include.sales.market import load_market
from include.stack.settings import Settings
from include.stack.waiting import wait_until
from include.stream.publisher import SalePublisher
from include.stream.topics import ensure_topic
from tests.support.druid import remove_supervisor, wait_for_rows
from tests.support.hostile_sql import corpus
from tests.support.random_sql import RandomSql
from ventas_airflow.page.queries import AT_ONCE

SALES = 6_000
DAYS = timedelta(days=2)
SEED = 13
RANDOM = 120
SECONDS = 1
"""Time-out of each statement, the shortest there is."""

#: A calm broker takes a twentieth of a processor; one that goes on after a time-out takes a whole.
CALM = 0.3


class Attacked(NamedTuple):
    """Druid with sales in a datasource of the test's own."""

    druid: DruidClient
    table: str
    processes: list[psutil.Process]

    def ask(self, sql: str) -> str:
        """Ask as the page does, and return how it ended."""
        try:
            ask_freely(
                self.druid,
                sql.replace("ventas", f'"{self.table}"'),
                [self.table],
                rows=1_000,
                seconds=SECONDS,
                query_id=query_id(str(uuid.uuid4())),
            )
        except SqlRefusedError as error:
            return "refused by Druid" if isinstance(error.__cause__, DruidError) else "refused"
        except (QueryTimeoutError, QueryCanceledError, DruidUnreachableError):
            # A planner that is slow on a busy machine is left behind by the client.
            return "timed out"
        return "answered"

    def ask_all(self, statements: list[str]) -> Counter[str]:
        """Ask as many at once as the page lets through."""
        with ThreadPoolExecutor(AT_ONCE) as viewers:
            return Counter(viewers.map(self.ask, statements))

    def check(self, rows: int) -> None:
        """Check that each process is the one it was, is calm, and that Druid answers soon."""
        assert all(process.is_running() for process in self.processes)
        wait_until(self._is_calm, service="Druid", address=self.druid.url, seconds=60)
        wait_for_rows(self.druid, self.table, rows)

    def _is_calm(self) -> bool:
        return all(process.cpu_percent(0.5) < 100 * CALM for process in self.processes)


@pytest.fixture(scope="module")
def attacked(
    stack: Settings, kafka_config: dict[str, str], druid: DruidClient
) -> Iterator[tuple[Attacked, int]]:
    """Druid with sales, and how many events they are."""
    table = f"ataque-{uuid.uuid4().hex[:8]}"
    ledger = f"{table}.ledger"
    ensure_topic(kafka_config, table, partitions=1)
    ensure_topic(kafka_config, ledger, partitions=1)
    source, now = SaleSource(load_market(), SEED, table), datetime.now(UTC)
    events = [
        event for n in range(SALES) for event in source.chain(n, now - DAYS * (SALES - n) / SALES)
    ]
    with SalePublisher(
        kafka_config,
        table,
        seed=SEED,
        transactional_id=table,
        delivery_timeout=60,
        topic=table,
        ledger_topic=ledger,
    ) as publisher:
        publisher.open()
        for first in range(0, len(events), 500):
            publisher.commit(events[first : first + 500])
    druid.submit_supervisor(supervisor_spec(kafka_config, topic=table, datasource=table))
    wait_for_rows(druid, table, len(events))
    once = DruidClient(druid.url, auth=druid._session.auth, verify=druid._verify, retries=0)
    yield Attacked(once, table, druid_processes(stack)), len(events)
    remove_supervisor(druid, table)


def druid_processes(stack: Settings) -> list[psutil.Process]:
    """Return the processes that queries run in."""
    names = [f"{stack.home}/conf/{name}.args" for name in ("broker", "historical", "indexer")]
    found = [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(name in " ".join(process.info["cmdline"] or ()) for name in names)
    ]
    assert len(found) == len(names)
    return found


def test_no_statement_of_the_corpus_ends_or_occupies_druid(
    attacked: tuple[Attacked, int],
) -> None:
    attack, rows = attacked
    hostile = [each.sql for each in corpus() if each.refused]
    assert attack.ask_all(hostile) == {"refused": len(hostile)}
    others = [each.sql for each in corpus() if not each.refused]
    ended = attack.ask_all(others)
    assert ended["answered"] + ended["timed out"] > 0
    attack.check(rows)


def test_random_statements_end_and_leave_druid_as_it_was(attacked: tuple[Attacked, int]) -> None:
    attack, rows = attacked
    sales = RandomSql(SEED)
    ended = attack.ask_all([sales.statement() for _ in range(RANDOM)])
    # Statements that Druid refuses prove nothing about those that it carries out.
    assert ended["answered"] + ended["timed out"] > RANDOM / 10, ended
    attack.check(rows)
