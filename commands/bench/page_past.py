"""Past days of the page's benchmark, which its stack keeps for the next run."""

import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from commands.bench.common import SEED
from commands.soak.days import publish_day
from include.druid.client import DruidClient
from include.druid.supervisor import Expected
from include.names import DATASOURCE, TOPIC
from include.sales.backfill import past_days
from include.sales.content import SaleSource
from include.sales.demand import Demand
from include.sales.market import load_market

DAYS: Final = 30
"""Whole days before today: the longest range of the page."""

COORDINATOR: Final = """
# The days are compacted at once instead of in the night after them.
druid.coordinator.period.indexingPeriod=PT5S
"""

_MONTH_EVENTS: Final = 5_250_000
"""Events of `DAYS` days with one sale a second in the mean of the year."""

_UNCOMPACTED_SQL: Final = """
SELECT segment_id FROM sys.segments
WHERE datasource = ? AND is_active = 1 AND last_compaction_state IS NULL AND "end" <= ?
"""


def scale(millions: float) -> float:
    """Return the back-fill's scale at which `DAYS` days have about so many million events."""
    return round(millions * 1e6 / _MONTH_EVENTS, 4)


def publish_past(
    kafka: Mapping[str, Any], millions: float, rate: float, now: datetime
) -> tuple[Expected, bool]:
    """Publish the events that Kafka's ledger lacks of the days before `now` and of today.

    The days before today have `millions` of events together. Today has `rate` sales a second in
    the mean of the year, so that the hours that are not over are the same with each past.

    Returns:
        The runs of the days with their rows, and whether a day before today had to be filled.
    """
    market = load_market()
    demand = Demand(market)
    *before, today = past_days(now, DAYS, today=True)
    days = [(day, scale(millions)) for day in before] + [(today, rate)]
    published = [
        publish_day(
            kafka,
            SaleSource(market, SEED, day.corrida(SEED, sales)),
            demand,
            day,
            topic=TOPIC,
            scale=sales,
            until=now,
            stop=threading.Event(),
        )
        for day, sales in days
    ]
    expected = Expected([it.run for it in published], sum(it.committed for it in published))
    return expected, any(it.sales > it.resumed_at for it in published[:-1])


def is_compacted(druid: DruidClient, now: datetime) -> bool:
    """Return whether Druid has compacted every day before yesterday, by UTC.

    Auto-compaction may leave yesterday alone: it skips a day from the latest segment on.
    """
    last = f"{past_days(now, 1)[0].day}T00:00:00.000Z"
    return not druid.sql(_UNCOMPACTED_SQL, [DATASOURCE, last])
