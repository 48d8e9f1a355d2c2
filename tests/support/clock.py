"""A simulated clock for windows and loads: it advances only while one of them waits."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from include.sales.faults import Faults
from include.sales.pace import Cadence

_TICK = 0.001
"""Least length of a wait, in seconds; events are due at whole milliseconds."""


class Clock:
    """Simulated seconds since the epoch; `Stop.wait` advances them."""

    def __init__(self, now: datetime) -> None:
        self._lock = threading.Lock()
        self._seconds = now.timestamp()
        self.waits = 0

    def seconds(self) -> float:
        return self._seconds

    #: Replaces `time.monotonic` in a module whose `time` is replaced by the clock.
    monotonic = seconds

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._seconds, UTC)

    def go_on(self, seconds: float) -> None:
        with self._lock:
            self.waits += 1
            self._seconds += max(seconds, _TICK)

    def cadence(
        self, seed: int, minimum: float, maximum: float, faults: Faults | None = None
    ) -> Cadence:
        """Return a `Cadence` that uses this clock."""
        return Cadence(seed, minimum, maximum, faults, clock=self.seconds)


class Stop(threading.Event):
    """A stop event whose waits advance the clock instead of taking time."""

    def __init__(self, clock: Clock, *, at_wait: int | None = None) -> None:
        """Set the event during wait number `at_wait`, from 1 on; None: do not set it."""
        super().__init__()
        self._clock = clock
        self._at_wait = at_wait

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None, "without an end, no clock would go on"
        self._clock.go_on(timeout)
        if self._clock.waits == self._at_wait:
            self.set()
        return self.is_set()

    def after(self, transactions: int) -> Callable[[int], None]:
        """Return a callback of the publisher that sets the event after so many transactions."""

        def committed(transaction: int) -> None:
            if transaction == transactions:
                self.set()

        return committed
