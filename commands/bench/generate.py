"""Measure the events per second that one core generates and encodes, and the memory meanwhile.

Long run: `python -m commands.bench.generate --events 20000000`.
"""

import argparse
import os
import time

import psutil

from commands.bench.common import encoded, report

_MB = 1e6


def main() -> None:
    """Encode on one core; report the rate, and the memory at a tenth of the run and at its end."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=2_000_000)
    total = arguments.parse_args().events
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    process = psutil.Process()
    blocks = encoded(total)
    # Warm-up: the pieces that events share are made when the first event needs them.
    warmup = len(next(blocks).values)
    done, early = warmup, 0
    began = time.perf_counter()
    for block in blocks:
        done += len(block.values)
        if not early and done >= total / 10:
            early = process.memory_info().rss
    seconds = time.perf_counter() - began
    report(
        events=done,
        warmup_events=warmup,
        seconds=seconds,
        per_second=(done - warmup) / seconds,
        rss_mb_at_a_tenth=early / _MB,
        rss_mb_at_the_end=process.memory_info().rss / _MB,
    )


if __name__ == "__main__":
    main()
