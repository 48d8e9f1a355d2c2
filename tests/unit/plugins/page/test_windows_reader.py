"""Events that reports compare: when they are read, and who goes first."""

import threading
import time
from datetime import datetime, timedelta
from typing import Any

import pytest

from include.druid.client import DruidError
from include.waiting import wait_until
from tests.support.findings import NOW
from ventas_airflow.page import windows_reader as module

HOUR = timedelta(hours=1)


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, datetime]]:
    """Readings of the windows: the thread's name and the windows' end. The first one fails."""
    found: list[tuple[str, datetime]] = []
    failures = [DruidError("not yet")]

    def read_windows(_events: Any, now: datetime, *_: Any) -> Any:
        found.append((threading.current_thread().name, now))
        if failures:
            raise failures.pop()
        return "events"

    monkeypatch.setattr(module, "druid", lambda: None)
    monkeypatch.setattr(module, "read_windows", read_windows)
    return found


def wait_for_events(windows: Any, now: datetime, filled: datetime | None = None) -> None:
    wait_until(lambda: windows.before(now, filled), "the events in memory", 60, interval=0.01)


def test_a_thread_reads_the_events_first_and_again_if_it_fails(
    reading: list[tuple[str, datetime]],
) -> None:
    windows = module.WindowsReader()
    assert windows.before(NOW, None) is None
    wait_for_events(windows, NOW)
    me = threading.current_thread().name
    assert [name for name, _ in reading] == ["ventas-windows", "ventas-windows", me]


def test_a_thread_reads_what_the_windows_of_the_next_hour_lack(
    reading: list[tuple[str, datetime]],
) -> None:
    windows = module.WindowsReader()
    wait_for_events(windows, NOW)
    del reading[:]
    assert windows.before(NOW + HOUR / 2, None)
    assert windows.before(NOW + HOUR, None) is None
    wait_for_events(windows, NOW + HOUR)
    me = threading.current_thread().name
    assert reading == [
        (me, NOW + HOUR / 2),
        ("ventas-windows", NOW + HOUR),
        (me, NOW + HOUR),
    ]


def test_a_thread_reads_again_after_a_back_fill_once_the_events_are_counted_again(
    reading: list[tuple[str, datetime]],
) -> None:
    windows = module.WindowsReader()
    wait_for_events(windows, NOW)
    del reading[:]
    filled = NOW + timedelta(seconds=10)
    assert windows.before(filled + timedelta(seconds=59), filled) is None
    assert reading == []
    counted = filled + module.NEW_COUNTS
    assert windows.before(counted, filled) is None
    wait_for_events(windows, counted, filled)
    assert reading[0] == ("ventas-windows", counted)


def test_reading_rests_while_reports_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    busy = iter([True, True, False])

    class Judging:
        is_busy = staticmethod(lambda: next(busy))

    monkeypatch.setattr(module, "judging", Judging())
    monkeypatch.setattr(time, "sleep", slept.append)
    module._rest(2.0)
    assert slept == [18.0, 0.05, 0.05]
