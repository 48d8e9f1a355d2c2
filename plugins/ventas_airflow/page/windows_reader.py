"""Reader of the events that reports compare, beside the page's other work."""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock, Thread
from typing import Final

from include.names import DATASOURCE
from include.page.filters import floor_local
from include.page.findings.in_memory import Windows, read_windows
from include.page.overview import event_queries
from include.waiting import Polling
from ventas_airflow.page.memory import memory
from ventas_airflow.page.services import druid, judging, queries

log = logging.getLogger(__name__)

READING_SHARE: Final = 0.1
"""Part of the time in which the windows are read: the other views need Druid, too."""

REPORTS_FIRST_SECONDS: Final = 10.0
"""Seconds that the reading of the windows waits, after each hour, for reports that are made."""

NEW_COUNTS: Final = timedelta(minutes=1)
"""Time after which `SharedEvents` has counted the events of each hour again."""

_HOUR: Final = timedelta(hours=1)

_State = tuple[datetime, datetime | None]
"""Hour of the moment whose windows were read, and end of the last back-fill before."""


class WindowsReader:
    """The events of the windows that reports compare, in the page's memory.

    A report asks for them. If the page has not read them yet, a thread begins to, slowly, and Druid
    answers meanwhile. Each hour the windows move on, and the thread reads what they lack; after a
    back-fill it reads the hours that have changed.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._thread: Thread | None = None
        self._read: _State | None = None

    def before(self, now: datetime, filled: datetime | None) -> Windows | None:
        """Return the windows; `filled` is the end of the last back-fill. None: Druid has to answer.

        That is so until the windows are read, if they have too many events, and in the first minute
        after a back-fill.
        """
        if filled and now < filled + NEW_COUNTS:
            return None
        state = floor_local(now, _HOUR), filled
        with self._lock:
            if self._read != state:
                if self._thread is None:
                    self._thread = Thread(
                        target=self._begin, args=(now, state), name="ventas-windows", daemon=True
                    )
                    self._thread.start()
                return None
        return self._of(now)

    def _begin(self, now: datetime, state: _State) -> None:
        try:
            self._of(now, _rest)
            self._read = state
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
