"""A wall clock that does not jump: the system's time when the process began, plus elapsed time.

If the system's clock is set during a run, the run's window would become longer or shorter, and its
sales late or early. With this clock, the new time applies only to the next process.
"""

import time
from datetime import UTC, datetime

#: This clock also counts the time while the machine is suspended; `time.monotonic` does not.
_STEADY = time.CLOCK_BOOTTIME

_BEGAN = time.time() - time.clock_gettime(_STEADY)


def seconds() -> float:
    """Return the seconds since the epoch."""
    return _BEGAN + time.clock_gettime(_STEADY)


def now() -> datetime:
    return datetime.fromtimestamp(seconds(), UTC)
