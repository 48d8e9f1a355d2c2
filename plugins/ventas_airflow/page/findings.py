"""Route of the card «Qué hacer»: a JSON report of what is unusual in the sales."""

import logging
import time
from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, datetime
from math import inf
from threading import Lock
from typing import Final

from fastapi import APIRouter, Request, Response

from include.druid.client import DruidError
from include.names import BACKFILL_DAG, DATASOURCE
from include.page.filters import Filters, parse_filters
from include.page.findings.detection import detect, detect_together
from include.page.findings.in_memory import detect_in_memory
from include.page.outage_errors import OF_ALL
from include.waiting import Polling
from ventas_airflow.page.access import Asking
from ventas_airflow.page.answer_cache import MOST, AnswerCache
from ventas_airflow.page.packed import Packed, packed, packed_response
from ventas_airflow.page.services import druid, judging, looks
from ventas_airflow.page.windows_reader import WindowsReader

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

ACTIVE_SECONDS: Final = 60.0
"""Seconds after a request in which its viewer still has the page open: it asks every 30 s."""

AHEAD_SECONDS: Final = 60.0
"""Seconds that a report may be older than its look; then Druid makes it again with another one."""

ENDS_SECONDS: Final = 5.0
"""Seconds that the end of the last back-fill is shared; reading it takes a millisecond."""

_windows: Final = WindowsReader()


@router.get("/api/findings")
async def findings(request: Request, viewer: Asking) -> Response:
    """Return the report on the sales that the address's filters select, at their end or now.

    The length of the filters' range does not count: the last three hours are always judged.
    """
    filters = parse_filters(request.query_params)
    # A back-fill changes the sales that the report compares with.
    filled = await _ends.get(viewer, BACKFILL_DAG, ENDS_SECONDS, _last_end)
    look = _Look(filters, filled)
    _active.note(look)
    answer = await _shared.get(viewer, look.key, KEPT_SECONDS, look, old=OLD_SECONDS)
    return packed_response(request, answer)


def _last_end() -> datetime | None:
    """Return when the last back-fill ended, from Airflow's database."""
    from airflow.models import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import func, select

    with create_session() as session:
        runs = select(func.max(DagRun.end_date)).where(DagRun.dag_id == BACKFILL_DAG)
        return session.scalar(runs)


class _Active:
    """Looks of viewers who have the page open, and the last report of each from Druid.

    Druid makes the reports of looks of one kind together. So a kind needs Druid about once in
    `AHEAD_SECONDS`, however many viewers there are. At most `MOST` looks are remembered.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._looks: dict[Hashable, tuple[float, _Look]] = {}
        self._made: dict[Hashable, tuple[float, Packed]] = {}

    def note(self, look: "_Look") -> None:
        """Note that a viewer asks for a look."""
        now = self._clock()
        with self._lock:
            self._looks.pop(look.key, None)
            self._looks[look.key] = now, look
            left = [key for key, (at, _) in self._looks.items() if at < now - ACTIVE_SECONDS]
            # The looks are in the order of their last requests.
            for key in left or [*self._looks][:-MOST]:
                del self._looks[key]
                self._made.pop(key, None)

    def due(self, kind: "Kind") -> "list[_Look]":
        """Return the looks of a kind without a report of the last `AHEAD_SECONDS`."""
        with self._lock:
            found = [look for _, look in self._looks.values() if look.kind == kind]
        return [look for look in found if self.made(look) is None]

    def made(self, look: "_Look") -> Packed | None:
        """Return a look's report if it is at most `AHEAD_SECONDS` old."""
        with self._lock:
            at, report = self._made.get(look.key, (-inf, None))
        return report if at >= self._clock() - AHEAD_SECONDS else None

    def keep(self, look: "_Look", report: Packed) -> None:
        with self._lock:
            if look.key in self._looks:
                self._made[look.key] = self._clock(), report


_active: Final = _Active()


Kind = tuple[datetime | None, datetime | None, list[str]]
"""End of the looks and of the last back-fill before them, and names of their filters."""


class _Look:
    """A look at the sales, which waits for a thread of `judging`; calling it returns its report.

    A look that begins also makes the reports of waiting looks from the same events in memory; or
    those of waiting and `_active` looks of its kind, with queries for all of them.
    """

    def __init__(self, filters: Filters, filled: datetime | None) -> None:
        """Look with these filters; `filled` is the end of the last back-fill."""
        self._filters = filters
        self._filled = filled
        self.key: Hashable = (filters.hasta, filters.values, filled)
        self.kind: Kind = (filters.hasta, filled, [name for name, _ in filters.values])
        self._made: Packed | None = None

    def __call__(self) -> Packed:
        if self._made is None:
            self._make()
        assert self._made is not None  # noqa: S101 - by `_make`
        return self._made

    def _make(self) -> None:
        # The events in memory end at a whole second.
        now = datetime.now(UTC).replace(microsecond=0)
        together = self._waiting(
            lambda look: look._filters.hasta is None and look._filled == self._filled
        )
        windows = None if self._filters.hasta else _windows.before(now, self._filled)
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
        if made := _active.made(self):
            self._made = made
            return
        client = druid()
        waiting = self._waiting(lambda look: look.kind == self.kind)
        together = _different([*waiting, *_active.due(self.kind)])
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
                    _active.keep(look, look._made)
                return
        self._made = packed(detect(client, DATASOURCE, self._filters, now))
        _active.keep(self, self._made)

    def _waiting(self, can_share: "Callable[[_Look], bool]") -> "list[_Look]":
        """Return this look and the waiting ones that can share, each with other filters."""
        waiting = [look for look in judging.waiting() if isinstance(look, _Look)]
        return _different(
            [self, *(look for look in waiting if look._made is None and can_share(look))]
        )


def _different(some: "Sequence[_Look]") -> "list[_Look]":
    """Return the first `MOST_TOGETHER` looks with different filters."""
    found: dict[Hashable, _Look] = {}
    for look in some:
        found.setdefault(look._filters.values, look)
    return list(found.values())[:MOST_TOGETHER]
