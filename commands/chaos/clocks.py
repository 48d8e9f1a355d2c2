"""Clocks of single processes, set by libfaketime; the machine's clock stays."""

from pathlib import Path
from typing import Final

from include.stack import stack

CLOCK_STEP: Final = 7200.0
"""Seconds by which clocks are set forward or backward."""

_LIBRARIES: Final = Path("/usr/lib")


def set_clock(clock: Path, seconds: float) -> None:
    """Let the clocks that this file sets go so many seconds ahead of the machine's."""
    new = clock.with_suffix(".new")
    new.write_text(f"{seconds:+.0f}\n")
    new.replace(clock)


def library() -> Path:
    """Return libfaketime's library.

    Raises:
        StackError: it is not installed.
    """
    found = sorted(_LIBRARIES.glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        raise stack.StackError(
            "The clocks of single processes must be set, and libfaketime is missing: on Debian or "
            "Ubuntu, install the package faketime."
        )
    return found[0]


def clock_variables(clock: Path) -> dict[str, str]:
    """Return the environment in which a JVM reads the clock's step from a file, within a second.

    Raises:
        StackError: libfaketime is not installed.
    """
    return {
        "LD_PRELOAD": str(library()),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": "1",
        # Only the wall clock is set. With a changed monotonic clock, the JVM's waits do not end.
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",
    }
