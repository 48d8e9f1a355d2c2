"""Wait for a condition with a deadline: the project's only loop that polls and sleeps."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_LOG_LINES = 12


class WaitTimeoutError(TimeoutError):
    """A condition did not come true before the deadline; the message names it."""


class Polling:
    """Iterator over the polls of a wait: one at once, and one after each pause.

    It ends after the first poll that ends past the deadline, so each wait polls at least once.

    Args:
        seconds: time to the deadline, from the creation or from `restart`.
        interval: seconds of a pause.
        clock: monotonic clock; by default `time.monotonic`.
        sleep: waits for a pause, and may return early; by default `time.sleep`.
    """

    def __init__(
        self,
        seconds: float,
        *,
        interval: float = 0.25,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self._seconds = seconds
        self._interval = interval
        # Not as default values: a test can replace this module's `time`.
        self._clock = clock or time.monotonic
        self._sleep = sleep or time.sleep
        self.restart()

    def __iter__(self) -> Iterator[None]:
        while True:
            yield
            if self._clock() > self._deadline:
                return
            self._sleep(self._interval)

    def restart(self) -> None:
        """Count the seconds to the deadline from now on, because there was progress."""
        self._deadline = self._clock() + self._seconds


def wait_until(
    ready: Callable[[], T],
    what: str,
    seconds: float,
    *,
    interval: float = 0.25,
    errors: type[Exception] | tuple[type[Exception], ...] = OSError,
    log: Path | None = None,
) -> T:
    """Poll `ready` until it returns a true value, and return that value.

    Args:
        ready: function to poll.
        what: what is waited for, such as "Kafka at 127.0.0.1:9092"; the error's message names it.
        seconds: time to the deadline.
        interval: seconds of a pause.
        errors: exceptions of `ready` that mean "not yet"; the message has the last poll's.
        log: file whose last lines the message has.

    Raises:
        WaitTimeoutError: the deadline has passed.
    """
    reason = ""
    for _ in Polling(seconds, interval=interval):
        try:
            if found := ready():
                return found
            reason = ""
        except errors as error:
            reason = f" ({error})"
    raise WaitTimeoutError(
        f"Timed out after {seconds:g} s waiting for {what}{reason}.{_last_lines(log)}"
    )


def _last_lines(log: Path | None) -> str:
    if log is None or not log.exists():
        return ""
    with log.open(encoding="utf-8", errors="replace") as lines:
        last = deque(lines, maxlen=_LOG_LINES)
    return f" The end of {log}:\n" + "".join(f"  {line}" for line in last)
