"""Hostile free SQL on a real Druid: no statement ends one of its processes or keeps it busy."""

import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
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
from include.druid.supervisor import supervisor_spec
from include.page.sql_box import MOST_ROWS, MOST_SECONDS, ask_freely, query_id
from include.page.sql_check.lexer import SqlRefusedError
from include.sales.content import SaleSource
from include.sales.event import Venta
from include.sales.market import load_market
from include.stack import security
from include.stack.settings import Settings
from include.stream.publisher import SalePublisher
from include.stream.topics import ensure_topic
from include.waiting import wait_until
from tests.support.druid import remove_supervisor, wait_for_rows
from tests.support.hostile_sql import corpus
from tests.support.random_sql import RandomSql
from ventas_airflow.page.queries import AT_ONCE

SALES = 6_000
DAYS = timedelta(days=2)
SEED = 13
RANDOM = 120
SECONDS = 1
"""Time-out of each statement, the shortest allowed one."""

#: Share of a core below which a process is calm. A calm broker uses 5 % of a core; a broker that
#: continues after a time-out uses a whole core.
CALM = 0.3


class Attacked(NamedTuple):
    """Druid with sales in the test's own datasource."""

    druid: DruidClient
    table: str
    processes: list[psutil.Process]

    def ask(self, sql: str, seconds: float = SECONDS) -> str:
        """Run a statement as the page does, with its highest limit of rows; return how it ended."""
        try:
            ask_freely(
                self.druid,
                sql.replace("ventas", f'"{self.table}"'),
                [self.table],
                rows=MOST_ROWS,
                seconds=seconds,
                query_id=query_id(str(uuid.uuid4())),
            )
        except SqlRefusedError as error:
            return "refused by Druid" if isinstance(error.__cause__, DruidError) else "refused"
        except (QueryTimeoutError, QueryCanceledError, DruidUnreachableError):
            # On a busy machine the planner may be slow, and the client then gives up.
            return "timed out"
        return "answered"

    def ask_all(self, statements: list[str]) -> Counter[str]:
        """Run the statements, as many at once as the page allows."""
        with ThreadPoolExecutor(AT_ONCE) as viewers:
            return Counter(viewers.map(self.ask, statements))

    def ask_together(self, sql: str) -> Counter[str]:
        """Run one statement as many times at once as the page allows, with the longest time-out."""
        with ThreadPoolExecutor(AT_ONCE) as viewers:
            return Counter(viewers.map(self.ask, [sql] * AT_ONCE, [MOST_SECONDS] * AT_ONCE))

    def check(self, rows: int) -> None:
        """Check that no process was replaced, that all are calm, and that Druid answers."""
        assert all(process.is_running() for process in self.processes)
        wait_until(self._is_calm, "calm processes of Druid", 300)
        wait_for_rows(self.druid, self.table, rows)

    def _is_calm(self) -> bool:
        return all(process.cpu_percent(0.5) < 100 * CALM for process in self.processes)


@pytest.fixture(scope="module")
def attacked(
    stack: Settings, kafka_config: dict[str, str], druid: DruidClient
) -> Iterator[tuple[Attacked, int]]:
    """Druid with sales, and the number of their events."""
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
        half = len(events) // 2
        commit(publisher, events[:half])
        druid.submit_supervisor(supervisor_spec(kafka_config, topic=table, datasource=table))
        wait_for_rows(druid, table, half)
        # Half of the rows are handed off: the historical, with less memory than the indexer, must
        # survive the attacks, too.
        druid.hand_off(table, [0])
        wait_until(partial(is_served, druid, table), "the segments on the historical", 180)
        commit(publisher, events[half:])
    wait_for_rows(druid, table, len(events))
    once = security.druid_client(stack, retries=0)
    yield Attacked(once, table, druid_processes(stack)), len(events)
    remove_supervisor(druid, table)


def commit(publisher: SalePublisher, events: Sequence[Venta]) -> None:
    for first in range(0, len(events), 500):
        publisher.commit(events[first : first + 500])


def is_served(druid: DruidClient, table: str) -> bool:
    """Return whether a historical serves published segments of the table."""
    found = druid.sql(
        "SELECT segment_id FROM sys.segments"
        " WHERE datasource = ? AND is_published = 1 AND is_available = 1 AND is_realtime = 0",
        [table],
    )
    return bool(found)


def druid_processes(stack: Settings) -> list[psutil.Process]:
    """Return the processes that run queries."""
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
    hostile = [each.sql for each in corpus() if each.kind == "refused"]
    assert attack.ask_all(hostile) == {"refused": len(hostile)}
    others = [each.sql for each in corpus() if each.kind == "asked"]
    ended = attack.ask_all(others)
    assert ended["answered"] + ended["timed out"] > 0
    attack.check(rows)


def test_heaviest_statements_at_once_do_not_end_druid(attacked: tuple[Attacked, int]) -> None:
    attack, rows = attacked
    answered = 0
    for hostile in corpus():
        if hostile.kind == "heavy":
            ended = attack.ask_together(hostile.sql)
            answered += ended["answered"] > 0
            assert all(process.is_running() for process in attack.processes), hostile.attack
    assert answered
    attack.check(rows)


def test_random_statements_end_and_leave_druid_calm(attacked: tuple[Attacked, int]) -> None:
    attack, rows = attacked
    sales = RandomSql(SEED)
    ended = attack.ask_all([sales.statement() for _ in range(RANDOM)])
    # Enough statements must run: statements that Druid refuses do not test its execution.
    assert ended["answered"] + ended["timed out"] > RANDOM / 10, ended
    attack.check(rows)
