"""A clock for windows and loads that goes on only while one of them waits."""

import threading
from datetime import UTC, datetime
from typing import Any

from include.sales.pace import Cadence

_TICK = 0.001
"""Seconds that a wait lasts at least; events are due at whole milliseconds."""


class Clock:
    """Seconds since the epoch, which `Stop.wait` moves on."""

    def __init__(self, now: datetime) -> None:
        self._lock = threading.Lock()
        self._seconds = now.timestamp()
        self.waits = 0

    def seconds(self) -> float:
        return self._seconds

    #: `time.monotonic` of a module whose `time` the clock is.
    monotonic = seconds

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._seconds, UTC)

    def go_on(self, seconds: float) -> None:
        with self._lock:
            self.waits += 1
            self._seconds += max(seconds, _TICK)

    def cadence(self, *arguments: Any) -> Cadence:
        """A cadence by this clock."""
        return Cadence(*arguments, clock=self.seconds)


class Stop(threading.Event):
    """A stop whose waits take no time: they move the clock on."""

    def __init__(self, clock: Clock, *, at_wait: int | None = None) -> None:
        """Be set during wait number `at_wait`, from 1 on, as by another thread; None: by nobody."""
        super().__init__()
        self._clock = clock
        self._at_wait = at_wait

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None, "without an end, no clock would go on"
        self._clock.go_on(timeout)
        if self._clock.waits == self._at_wait:
            self.set()
        return self.is_set()
