"""A producer at a steady rate, to be killed: ``python -m chaos.producer --help``.

It is the window's own publishing session, at a rate that the 1-2 s window does not have. Its
standard output has a JSON line several times a second, and a last one at its end:
``{"confirmadas": events acknowledged, "final": whether it ended as told}``.
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
"""Those of the window's form, so that both producers sell the same way."""

KAFKA_VARIABLE = "VENTAS_CHAOS_KAFKA"
"""Has librdkafka's configuration, as JSON: it may hold a password, which no argument may."""

_TELL_EVERY = 0.1
_LONGEST = timedelta(hours=2)
_DELIVERY_TIMEOUT = 300.0


class Steady:
    """A sale each 1/rate seconds from the first one asked for; what is overdue is sent at once."""

    def __init__(self, rate: float) -> None:
        """Take the rate, in sales a second."""
        self._rate = rate
        self._first: int | None = None
        self._began = 0.0

    def left(self, n: int) -> float:
        """Seconds until sale n is due."""
        now = time.monotonic()
        if self._first is None:
            self._first, self._began = n, now
        return self._began + (n - self._first) / self._rate - now

    def moment(self, n: int) -> datetime:  # noqa: ARG002 - whichever it is, it is now
        """Now."""
        return datetime.now(UTC)


def main(arguments: list[str] | None = None) -> int:
    """Publish until SIGTERM; returns the process's exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=f"{KAFKA_VARIABLE} has librdkafka's configuration, as JSON."
    )
    parser.add_argument("--corrida", required=True, metavar="RUN", help="a run to begin or resume")
    parser.add_argument("--rate", type=float, required=True, metavar="R", help="sales a second")
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
    teller = threading.Thread(target=_tell, args=(publisher, ended), daemon=True)
    with publisher:
        teller.start()
        with suppress(WindowStoppedError):
            publish_window(
                publisher,
                source_of(options.corrida),
                until=_LONGEST,
                pace=lambda _: Steady(options.rate),
                stop=stop,
            )
    ended.set()
    teller.join()
    _print(publisher, final=True)
    return 0


def source_of(corrida: str) -> SaleSource:
    """The sales of a run of this producer, and of a window as the form opens it."""
    return SaleSource(load_market(), SEED, corrida, seconds_per_day=SECONDS_PER_DAY)


def _tell(publisher: SalePublisher, ended: threading.Event) -> None:
    while not ended.wait(_TELL_EVERY):
        _print(publisher, final=False)


def _print(publisher: SalePublisher, *, final: bool) -> None:
    print(json.dumps({"confirmadas": publisher.progress.rows, "final": final}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
