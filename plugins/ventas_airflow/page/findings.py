"""Route of the card «Qué hacer»: a JSON report of what is unusual in the sales."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock, Thread
from typing import Final

from fastapi import APIRouter, Request, Response

from include.druid.client import DruidError
from include.names import BACKFILL_DAG, DATASOURCE
from include.page.filters import Filters, floor_local, parse_filters
from include.page.findings.detection import detect, detect_together
from include.page.findings.in_memory import Windows, detect_in_memory, read_windows
from include.page.outage_errors import OF_ALL
from include.page.overview import event_queries
from include.waiting import Polling
from ventas_airflow.page.access import Asking
from ventas_airflow.page.answer_cache import AnswerCache
from ventas_airflow.page.memory import memory
from ventas_airflow.page.packed import Packed, packed, packed_response
from ventas_airflow.page.services import druid, judging, looks, queries

log = logging.getLogger(__name__)

router = APIRouter()
_shared: Final = AnswerCache(turns=judging)
_ends: Final = AnswerCache()

KEPT_SECONDS: Final = 120.0
"""Seconds that a report is shared: it compares hours, and costs Druid about a second."""

OLD_SECONDS: Final = 600.0
"""Seconds more that an old report is shown while a new one is made."""

MOST_TOGETHER: Final = 32
"""Most reports that are made together, so that the first of them waits for few others."""

LOOKS_FIRST_SECONDS: Final = 1.0
"""Seconds in which reports that are made together let the other views' answers go first.

When many people open the page at once, they look at the figures before they read a report."""

READING_SHARE: Final = 0.25
"""Part of the time in which the windows are read: the other views need Druid, too."""

REPORTS_FIRST_SECONDS: Final = 10.0
"""Seconds that the reading of the windows waits, after each hour, for reports that are made."""

ENDS_SECONDS: Final = 5.0
"""Seconds that the end of the last back-fill is shared; reading it takes a millisecond."""

_HOUR: Final = timedelta(hours=1)


@router.get("/api/findings")
async def findings(request: Request, viewer: Asking) -> Response:
    """Return the report on the sales that the address's filters select, at their end or now.

    The length of the filters' range does not count: the last three hours are always judged.
    """
    filters = parse_filters(request.query_params)
    # A back-fill changes the sales that the report compares with.
    filled = await _ends.get(viewer, BACKFILL_DAG, ENDS_SECONDS, _last_end)
    key = (filters.hasta, filters.values, filled)
    answer = await _shared.get(viewer, key, KEPT_SECONDS, _Look(filters), old=OLD_SECONDS)
    return packed_response(request, answer)


def _last_end() -> datetime | None:
    """Return when the last back-fill ended, from Airflow's database."""
    from airflow.models import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import func, select

    with create_session() as session:
        runs = select(func.max(DagRun.end_date)).where(DagRun.dag_id == BACKFILL_DAG)
        return session.scalar(runs)


class _Windows:
    """The events of the windows that reports compare, in the page's memory.

    A report asks for them. If the page has not read them yet, a thread begins to, slowly, and Druid
    answers meanwhile. Each hour the windows move on, and the thread reads what they lack.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._thread: Thread | None = None
        self._read: datetime | None = None
        """The hour of the last moment whose windows were read."""

    def before(self, now: datetime) -> Windows | None:
        """Return the windows, or None while Druid has to answer.

        That is so until the windows are read, and if they have too many events.
        """
        hour = floor_local(now, _HOUR)
        with self._lock:
            if self._read != hour:
                if self._thread is None:
                    self._thread = Thread(
                        target=self._begin, args=(now, hour), name="ventas-windows", daemon=True
                    )
                    self._thread.start()
                return None
        return self._of(now)

    def _begin(self, now: datetime, hour: datetime) -> None:
        try:
            self._of(now, _rest)
            self._read = hour
        except Exception as error:  # noqa: BLE001 - the next report begins again
            log.info("The events that reports compare cannot be read: %s", error)
        finally:
            self._thread = None

    @staticmethod
    def _of(now: datetime, rest: Callable[[float], None] | None = None) -> Windows | None:
        run = event_queries(druid(), DATASOURCE)
        return read_windows(memory.events, now, run, queries, rest)


def _rest(seconds: float) -> None:
    """Let the other views and the reports go first, after reading for `seconds`."""
    time.sleep(seconds * (1 / READING_SHARE - 1))
    for _ in Polling(REPORTS_FIRST_SECONDS, interval=0.05):
        if not judging.is_busy():
            return


_windows: Final = _Windows()


class _Look:
    """A look at the sales, which waits for a thread of `judging`; calling it returns its report.

    A look that begins also makes the reports of waiting looks: from the same events in memory, or
    of filters with the same names, with queries for all of them.
    """

    def __init__(self, filters: Filters) -> None:
        self._filters = filters
        self._made: Packed | None = None

    def __call__(self) -> Packed:
        if self._made is None:
            self._make()
        assert self._made is not None  # noqa: S101 - by `_make`
        return self._made

    def _make(self) -> None:
        # The events in memory end at a whole second.
        now = datetime.now(UTC).replace(microsecond=0)
        together = self._waiting(lambda look: look._filters.hasta is None)
        windows = None if self._filters.hasta else _windows.before(now)
        if windows is None:
            self._ask(now)
            return
        first = Polling(LOOKS_FIRST_SECONDS, interval=0.005)
        for look in together:
            for _ in first:
                if not looks.is_busy():
                    break
            report = detect_in_memory(windows, DATASOURCE, look._filters, now)
            look._made = packed(report)

    def _ask(self, now: datetime) -> None:
        client = druid()
        together = self._waiting(lambda look: look._kind == self._kind)
        if len(together) > 1:
            try:
                filters = [look._filters for look in together]
                reports = detect_together(client, DATASOURCE, filters, now)
            except OF_ALL:
                raise
            except DruidError as error:
                log.warning("Druid refused a query for %d looks: %s", len(together), error)
            else:
                for look, report in zip(together, reports, strict=True):
                    look._made = packed(report)
                return
        self._made = packed(detect(client, DATASOURCE, self._filters, now))

    def _waiting(self, can_share: "Callable[[_Look], bool]") -> "list[_Look]":
        """Return this look and the waiting ones that can share, each with other filters."""
        found = {self._filters.values: self}
        for look in judging.waiting():
            if isinstance(look, _Look) and look._made is None and can_share(look):
                found.setdefault(look._filters.values, look)
        return list(found.values())[:MOST_TOGETHER]

    @property
    def _kind(self) -> tuple[datetime | None, list[str]]:
        """End and names of the filters; Druid sums looks of one kind with the same queries."""
        return self._filters.hasta, [name for name, _ in self._filters.values]
