"""A producer at a steady rate, which chaos scenarios kill.

Its options: ``python -m commands.chaos.producer --help``.

It uses the same publishing session as a window, but at a higher rate than a sale every 1-2 s. It
prints a JSON line several times a second, and a last one when SIGTERM ends it:
``{"committed": events acknowledged, "final": whether this is the last line}``.
"""

import argparse
import json
import logging
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from include.sales.content import SaleSource
from include.sales.market import load_market
from include.stream.publisher import SalePublisher
from include.stream.session import WindowStoppedError, publish_window

SEED, SECONDS_PER_DAY = 2026, 60
"""The defaults of the window's form, so that this producer and a window sell in the same way."""

KAFKA_VARIABLE = "VENTAS_CHAOS_KAFKA"
"""Environment variable with librdkafka's configuration as JSON. It may have a password, so it is no
argument, which other users could read."""

_REPORT_EVERY = 0.1
_LONGEST = timedelta(hours=2)
_DELIVERY_TIMEOUT = 300.0


class Steady:
    """A pace of one sale every 1/rate seconds from the first request; overdue sales go at once."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._first: int | None = None
        self._began = 0.0

    def left(self, n: int) -> float:
        now = time.monotonic()
        if self._first is None:
            self._first, self._began = n, now
        return self._began + (n - self._first) / self._rate - now

    def moment(self, n: int) -> datetime:  # noqa: ARG002 - the same for every sale
        return datetime.now(UTC)


def main(arguments: list[str] | None = None) -> int:
    """Publish until SIGTERM and return the process's exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"The variable {KAFKA_VARIABLE} holds librdkafka's configuration as JSON.",
    )
    parser.add_argument(
        "--corrida", required=True, metavar="RUN", help="name of the run, which begins or resumes"
    )
    parser.add_argument("--rate", type=float, required=True, metavar="R", help="sales per second")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    publisher = SalePublisher(
        json.loads(os.environ[KAFKA_VARIABLE]),
        options.corrida,
        seed=SEED,
        transactional_id=f"chaos/{options.corrida}",
        delivery_timeout=_DELIVERY_TIMEOUT,
        stopped=stop.is_set,
    )
    ended = threading.Event()
    reporter = threading.Thread(target=_report, args=(publisher, ended), daemon=True)
    with publisher:
        reporter.start()
        with suppress(WindowStoppedError):
            publish_window(
                publisher,
                source_of(options.corrida),
                until=_LONGEST,
                pace=lambda _: Steady(options.rate),
                stop=stop,
            )
    ended.set()
    reporter.join()
    _print(publisher, final=True)
    return 0


def source_of(corrida: str) -> SaleSource:
    """Return the sales of a run of this producer, or of a window with the form's defaults."""
    return SaleSource(load_market(), SEED, corrida, seconds_per_day=SECONDS_PER_DAY)


def _report(publisher: SalePublisher, ended: threading.Event) -> None:
    while not ended.wait(_REPORT_EVERY):
        _print(publisher, final=False)


def _print(publisher: SalePublisher, *, final: bool) -> None:
    print(json.dumps({"committed": publisher.progress.rows, "final": final}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
