"""Events a second of the project's load mode: transactions of complete sales, with their ledger.

The clock runs from the first acknowledgement to the last: the first transaction is the warm-up.
"""

import threading

from bench.common import Place, load, load_publisher, parser, report


def main() -> None:
    """Publish, and report the rate."""
    arguments = parser(__doc__)
    arguments.add_argument("--events", type=int, default=2_000_000)
    options = arguments.parse_args()
    place = Place(options.kafka, options.topic)
    place.make_topics()
    stop = threading.Event()
    with load_publisher(place, "bench", stop) as publisher:
        published = load(publisher, options.events, stop)
    first, last = publisher.acknowledged[0], publisher.acknowledged[-1]
    seconds = last.at - first.at
    report(
        events=published.confirmadas,
        warmup_events=first.events,
        seconds=seconds,
        per_second=(last.events - first.events) / seconds,
    )


if __name__ == "__main__":
    main()
