"""How a supervisor's tasks counted the records that they read."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from include.druid.client import DruidClient


class RowStats(NamedTuple):
    """Records by what became of them. All but the unparseable and the thrown away are rows."""

    processed: int = 0
    processedWithError: int = 0  # noqa: N815 - Druid's own name, as are the others
    thrownAway: int = 0  # noqa: N815
    unparseable: int = 0

    def plus(self, totals: Mapping[str, Any]) -> "RowStats":
        """Add a task's totals; one that has just begun has none."""
        return RowStats(*(mine + int(totals.get(name, 0)) for name, mine in self._asdict().items()))


def row_stats(client: DruidClient, supervisor: str, since: datetime) -> RowStats:
    """Sum the counts of the tasks that run, and of those that ended well after a moment.

    The rows of a task that failed are dropped, and another one reads its records again. The counts
    of a task that runs are some seconds late.

    Raises:
        DruidError: Druid does not answer, or refuses.
    """
    # Ended tasks first: one that ends in between is counted by its report the next time.
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
