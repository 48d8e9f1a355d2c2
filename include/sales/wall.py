"""The time of day of a process: the system's as of when it began, going on evenly from there.

A clock that is set back or forward in the middle of a run would make its window longer or shorter,
and hold back or hurry what is due; here that shows in the next process only.
"""

import time
from datetime import UTC, datetime

#: It goes on while a machine is suspended, as the time of day does and `time.monotonic` does not.
_STEADY = time.CLOCK_BOOTTIME

_BEGAN = time.time() - time.clock_gettime(_STEADY)


def seconds() -> float:
    """Seconds since the epoch."""
    return _BEGAN + time.clock_gettime(_STEADY)


def now() -> datetime:
    """The same as a moment in UTC."""
    return datetime.fromtimestamp(seconds(), UTC)
