"""Timetable of the simulation windows: one run each time the stores open."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import pendulum
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable

from include.sales.window import EVERY_DAY, SimulationWindow
from include.texts import text

#: A first window that opened at most this long ago still counts as the next one. Airflow's DAG
#: processor asks again every half minute until the scheduler has created the run: without this, an
#: answer between the opening and that moment would skip the day.
JUST_OPENED = timedelta(minutes=5)


class SimulationWindowTimetable(Timetable):
    """A run starts when the stores open; its data interval is the window.

    Airflow's cron timetables end a data interval when its run starts, and know no closing hour; a
    simulation runs during its interval. A DAG that has just been unpaused waits for the next
    opening: it does not start in the middle of a window. After that, a late scheduler starts the
    open window for the time that is left of it.
    """

    def __init__(
        self,
        opens: str = "09:00",
        closes: str = "21:00",
        weekdays: tuple[int, ...] = tuple(EVERY_DAY),
        timezone: str = "America/Argentina/Buenos_Aires",
    ) -> None:
        self.window = SimulationWindow(
            time.fromisoformat(opens), time.fromisoformat(closes), weekdays, timezone
        )
        self.description = text(
            "dag.sales_window.timetable", opens=opens, closes=closes, timezone=timezone
        )

    @property
    def summary(self) -> str:
        return f"{self.window.opens:%H:%M}-{self.window.closes:%H:%M}"

    def serialize(self) -> dict[str, Any]:
        return {
            "opens": f"{self.window.opens:%H:%M}",
            "closes": f"{self.window.closes:%H:%M}",
            "weekdays": list(self.window.weekdays),
            "timezone": self.window.timezone,
        }

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> SimulationWindowTimetable:
        return cls(**{**data, "weekdays": tuple(data["weekdays"])})

    def infer_manual_data_interval(self, *, run_after: pendulum.DateTime) -> DataInterval:
        """Return an interval without length: the form says how long a manual window lasts."""
        return DataInterval.exact(run_after)

    def next_dagrun_info(
        self,
        *,
        last_automated_data_interval: DataInterval | None,
        restriction: TimeRestriction,
    ) -> DagRunInfo | None:
        """Return the window after the last one, or the next one that opens."""
        now = pendulum.now("UTC")
        if last_automated_data_interval is None:
            earliest = restriction.earliest or now - JUST_OPENED
            if not restriction.catchup:
                earliest = max(earliest, now - JUST_OPENED)
            # A window that starts exactly at the earliest moment counts too.
            start, end = self.window.next_after(earliest - timedelta.resolution)
        else:
            start, end = self.window.next_after(last_automated_data_interval.start)
            if not restriction.catchup and end <= now:
                start, end = self.window.current_or_next(now)
        if restriction.latest and start > restriction.latest:
            return None
        return DagRunInfo(run_after=_utc(start), data_interval=DataInterval(_utc(start), _utc(end)))


def _utc(moment: datetime) -> pendulum.DateTime:
    return pendulum.instance(moment).in_timezone("UTC")
