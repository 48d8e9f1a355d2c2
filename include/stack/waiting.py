"""Wait for a service with a deadline; the error has its name, address and last log lines."""

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

_LOG_LINES = 12


class WaitTimeoutError(TimeoutError):
    """A service was not ready in time."""


def wait_until(
    ready: Callable[[], bool],
    *,
    service: str,
    address: str,
    seconds: float,
    log: Path | None = None,
    interval: float = 0.25,
) -> float:
    """Poll `ready` until it is true; return the seconds that it took.

    An `OSError` from `ready` (refused, reset, timed out) counts as "not ready yet".

    Raises:
        WaitTimeoutError: with service, address, the last reason and the log's last lines.
    """
    start = time.monotonic()
    reason = "not ready"
    while True:
        try:
            if ready():
                return time.monotonic() - start
        except OSError as error:
            reason = str(error)
        if time.monotonic() - start > seconds:
            raise WaitTimeoutError(
                f"{service} at {address} was not ready after {seconds:.0f} s ({reason})."
                + _last_lines(log)
            )
        time.sleep(interval)


def _last_lines(log: Path | None) -> str:
    if log is None or not log.exists():
        return ""
    with log.open(encoding="utf-8", errors="replace") as lines:
        last = deque(lines, maxlen=_LOG_LINES)
    return f" The end of {log}:\n" + "".join(f"  {line}" for line in last)
