"""The moment at which looks at the same time end, so that they share Druid's answers."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Final

OLDEST: Final = timedelta(seconds=0.5)
"""Greatest age of a moment that another look shares.

So Druid is asked for the newest events at most twice a second, however many viewers there are; and
a look that comes alone has every event until now. With whole seconds, a sale would wait half a
second more on average."""


def _now() -> datetime:
    return datetime.now(UTC)


class SharedMoment:
    """A moment that is now, or was at most `OLDEST` ago; one object serves all threads."""

    def __init__(self, clock: Callable[[], datetime] = _now) -> None:
        self._clock = clock
        self._lock = Lock()
        self._moment = datetime.min.replace(tzinfo=UTC)

    def get(self) -> datetime:
        now = self._clock()
        with self._lock:
            if not self._moment <= now < self._moment + OLDEST:
                self._moment = now
            return self._moment
