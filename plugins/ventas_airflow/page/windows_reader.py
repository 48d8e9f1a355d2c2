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

_HOUR: Final = timedelta(hours=1)


class WindowsReader:
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
