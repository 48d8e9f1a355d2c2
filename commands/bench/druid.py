"""Measure Druid's rows per second from Kafka: from a full topic, and live, close to that rate."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from commands.bench.common import (
    ClockedPublisher,
    Target,
    load,
    load_publisher,
    parser,
    report,
    sales_of,
)
from commands.bench.figures import Sample, drain_rate
from commands.soak.levels import slope
from include.druid.client import DatasourceMissingError, DruidClient
from include.druid.queries import for_datasource
from include.druid.supervisor import describe, supervisor_spec
from include.stream.session import WindowStoppedError
from include.waiting import Polling

DATASOURCE: Final = "bench"
LIVE_SHARE: Final = 0.95
"""Rate of the live load, as a share of the drain rate."""

_POLL = 0.5
"""Seconds between two queries while Druid empties the topic."""
_LIVE_POLL = 2.0
"""Seconds between two queries of the live part. It is longer because each query makes Druid count
every row, which costs time that the ingestion needs."""
_PATIENCE = 300.0
"""Seconds to wait until Druid has emptied the topic."""
_ENDLESS = range(10**9)
"""Sales of a load that runs until it is stopped."""


def main() -> None:
    """Fill the topic, let Druid empty it, publish live, and report both rates and the lag."""
    arguments = parser(__doc__)
    arguments.add_argument("--druid", required=True, metavar="URL", help="URL of Druid's router")
    arguments.add_argument("--events", type=int, default=1_000_000, help="events in the full topic")
    arguments.add_argument("--seconds", type=float, default=60, help="seconds of live load")
    options = arguments.parse_args()
    target = Target(options.kafka, options.topic)
    target.make_topics()
    stop = threading.Event()
    with load_publisher(target, "prefill", stop) as publisher:
        filled = load(publisher, sales_of(options.events), stop).committed
    client = DruidClient(options.druid)
    client.submit_supervisor(
        supervisor_spec(target.config, topic=target.topic, datasource=DATASOURCE)
    )
    drain = drain_rate(_drain(client, filled), filled)

    with load_publisher(target, "live", stop) as publisher, ThreadPoolExecutor(1) as pool:
        loading = pool.submit(_load_until_stopped, publisher, drain * LIVE_SHARE, stop)
        try:
            visible, lag = _watch(client, filled, options.seconds, loading.done, publisher)
        finally:
            stop.set()
        sent = loading.result()
    sustained = slope(*zip(*visible, strict=True))
    lag_slope = slope(*zip(*lag[len(lag) // 2 :], strict=True))
    report(
        events=filled,
        drain_per_second=drain,
        live_events=sent,
        live_offered_per_second=drain * LIVE_SHARE,
        sustained_per_second=sustained,
        sustained_vs_drain=sustained / drain,
        lag_max_events=max(behind for _, behind in lag),
        lag_slope_per_second=lag_slope,
        lag_grows=lag_slope > 0.01 * drain,
    )


def _load_until_stopped(publisher: ClockedPublisher, rate: float, stop: threading.Event) -> int:
    try:
        return load(publisher, _ENDLESS, stop, rate).committed
    except WindowStoppedError as stopped:
        return stopped.published.committed


def _drain(client: DruidClient, total: int) -> list[Sample]:
    """Query until Druid shows `total` rows; return the samples."""
    samples: list[Sample] = []
    for _ in Polling(_PATIENCE, interval=_POLL):
        samples.append(_rows(client))
        if samples[-1][1] >= total:
            return samples
    state = describe(client.supervisor_status(DATASOURCE))
    raise TimeoutError(
        f"Druid has only {samples[-1][1]:.0f} of {total} rows after {_PATIENCE:.0f} s: {state}"
    )


def _watch(
    client: DruidClient,
    before: int,
    seconds: float,
    ended: Callable[[], bool],
    publisher: ClockedPublisher,
) -> tuple[list[Sample], list[Sample]]:
    """Return samples of Druid's rows and of its lag, for `seconds` from the first live event."""
    # No deadline: a load that cannot publish ends by itself.
    while not publisher.acknowledged and not ended():
        time.sleep(_POLL)
    visible: list[Sample] = []
    lag: list[Sample] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until and not ended():
        sent = publisher.progress.total.eventos
        at, rows = _rows(client)
        visible.append((at, rows))
        # Druid may already show a transaction that was acknowledged after `sent` was read.
        lag.append((at, max(0, before + sent - rows)))
        time.sleep(_LIVE_POLL)
    return visible, lag


def _rows(client: DruidClient) -> Sample:
    """Return the moment of Druid's answer, and the number of rows that it shows."""
    query = for_datasource('SELECT COUNT(*) AS n FROM "{datasource}"', DATASOURCE)
    try:
        rows = client.sql(query)[0]["n"]
    except DatasourceMissingError:
        rows = 0
    return time.monotonic(), rows


if __name__ == "__main__":
    main()
