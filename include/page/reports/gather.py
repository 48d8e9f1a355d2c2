"""Gather a day's report from Druid: the day's sums, and the findings of a look at each hour."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final

from include.druid.client import DruidClient
from include.page.clean_values import clean_rows
from include.page.events import Rows
from include.page.filters import Filters, floor_local
from include.page.findings.detection import detect
from include.page.library import Query, bind, load_library
from include.page.reports.day import DAYS_BEFORE, DayReport, Quality
from include.page.reports.sums import hours_with_sales, report_of
from include.sales.local_time import epoch_ms

TIMEOUT: Final = 30.0
"""Seconds that Druid may take for one of the queries."""

_SQL: Final = Path(__file__).parents[1] / "sql" / "report"
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)


def gather(druid: DruidClient, datasource: str, end: datetime, quality: Quality) -> DayReport:
    """Report the local day that ends at `end`, at midnight or before.

    Raises:
        DatasourceMissingError: nothing was ingested yet.
        DruidError: Druid does not answer, is too slow, or refuses a query.
    """
    start = floor_local(end - timedelta.resolution, _DAY)

    def ask(name: str, days_before: int = 0) -> Rows:
        shift = days_before * _DAY
        values = {"desde": (start - shift).isoformat(), "hasta": (end - shift).isoformat()}
        sql, parameters = bind(_queries()[name], values, datasource=datasource, now=end)
        return clean_rows(druid.sql(sql, parameters, timeout=TIMEOUT))

    hours = [ask("hours", days) for days in DAYS_BEFORE]
    looks = [min(start + (hour + 1) * _HOUR, end) for hour in hours_with_sales(hours[0])]
    return report_of(
        start=epoch_ms(start),
        end=epoch_ms(end),
        hours=hours,
        payments=ask("payments"),
        products=ask("products"),
        looks=[detect(druid, datasource, Filters(hasta=moment), end) for moment in looks],
        quality=quality,
    )


@cache
def _queries() -> Mapping[str, Query]:
    return {query.name: query for query in load_library(_SQL)}
