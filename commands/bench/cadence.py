"""Measure how exactly sales follow their plan, and the CPU and memory of a mostly idle producer."""

from datetime import datetime, timedelta

import msgspec
import psutil

from commands.bench.common import SEED, Target, parser, report, window, window_publisher
from commands.bench.figures import deviations_ms, percentile
from include.names import MAXIMUM_GAP, MINIMUM_GAP
from include.sales.pace import gap_seconds
from include.stream.reader import read_committed


class _Event(msgspec.Struct):
    secuencia: int
    ts: datetime


def main() -> None:
    """Publish sales at their pace, read their times back, and report deviation, CPU and memory."""
    arguments = parser(__doc__)
    arguments.add_argument("--sales", type=int, default=500)
    options = arguments.parse_args()
    target = Target(options.kafka, options.topic)
    target.make_topics()
    gaps = [gap_seconds(SEED, n, MINIMUM_GAP, MAXIMUM_GAP) for n in range(options.sales + 1)]
    with window_publisher(target, "bench") as publisher:
        # The window ends midway between its last sale and the next.
        length = timedelta(seconds=sum(gaps) - gaps[-1] / 2)
        published = window(publisher, length, MINIMUM_GAP, MAXIMUM_GAP)
        # The start-up, which does not count, ends with the first acknowledgement.
        first, last = publisher.acknowledged[0], publisher.acknowledged[-1]
        rss = psutil.Process().memory_info().rss
    times = _sale_times(target)
    deviations = deviations_ms(times, gaps[1 : len(times)])
    report(
        events=published.committed,
        sales=len(times),
        seconds=last.at - first.at,
        p50_ms=percentile(deviations, 50),
        p99_ms=percentile(deviations, 99),
        max_ms=max(deviations),
        cpu_pct=100 * (last.cpu - first.cpu) / (last.at - first.at),
        rss_mb=rss / 1e6,
    )


def _sale_times(target: Target) -> list[float]:
    """Return the time of each sale's first event, in seconds since the epoch, in order of sale."""
    times: dict[int, float] = {}
    decoder = msgspec.json.Decoder(_Event)
    for record in read_committed(target.config, target.topic):
        event = decoder.decode(record.value or b"")
        moment = event.ts.timestamp()
        times[event.secuencia] = min(moment, times.get(event.secuencia, moment))
    return [times[number] for number in sorted(times)]


if __name__ == "__main__":
    main()
