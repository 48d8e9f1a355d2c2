"""Counts of the records that a supervisor's tasks have read, by outcome."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from include.druid.client import DruidClient


class RowStats(NamedTuple):
    """Records by outcome; `processed` and `processedWithError` became rows."""

    processed: int = 0
    processedWithError: int = 0  # noqa: N815 - Druid's own name, as are the others
    thrownAway: int = 0  # noqa: N815
    unparseable: int = 0

    def plus(self, totals: Mapping[str, Any]) -> "RowStats":
        """Return the sum with a task's totals; a task that has just started has none."""
        return RowStats(*(n + int(totals.get(name, 0)) for name, n in self._asdict().items()))


def row_stats(client: DruidClient, supervisor: str, since: datetime) -> RowStats:
    """Sum the counts of the running tasks, and of tasks that succeeded at or after `since`.

    A failed task is left out: its rows are dropped, and another task reads its records again. The
    counts of a running task are some seconds old.

    Raises:
        DruidError: Druid does not answer, or refuses.
    """
    # Ended tasks first: a task that ends between the two queries is missing now, never counted
    # twice; the next call counts it by its report.
    ended = [task for task in client.tasks(supervisor) if _ended_well(task, since)]
    running = {
        task: stats["totals"]["buildSegments"]
        for group in client.supervisor_stats(supervisor).values()
        for task, stats in group.items()
        if "totals" in stats
    }
    found = RowStats()
    for totals in running.values():
        found = found.plus(totals)
    for task in ended:
        if task["id"] not in running:
            report = client.task_report(task["id"])["ingestionStatsAndErrors"]["payload"]
            found = found.plus(report["rowStats"]["buildSegments"])
    return found


def _ended_well(task: Mapping[str, Any], since: datetime) -> bool:
    if task["statusCode"] != "SUCCESS" or task["type"] != "index_kafka":
        return False
    created = datetime.fromisoformat(task["createdTime"])
    return created + timedelta(milliseconds=task["duration"]) >= since
