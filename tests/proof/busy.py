"""Keep every core busy at normal priority, for a while: `python -m tests.proof.busy --seconds 600`.

What passes beside it does not count on the machine's speed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time


def spin(seconds: float) -> None:
    """Compute until the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(100_000))


def main() -> None:
    """Start the processes and wait for their end."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof.busy", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="default: %(default)s")
    parser.add_argument("--each", type=int, default=1, help="processes a core: %(default)s")
    options = parser.parse_args()
    count = options.each * (os.cpu_count() or 1)
    processes = [
        multiprocessing.Process(target=spin, args=(options.seconds,), daemon=True)
        for _ in range(count)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()


if __name__ == "__main__":
    main()
