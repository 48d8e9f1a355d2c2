"""Measure the events per second of the load mode: transactions of complete sales, with the ledger.

Its shards are processes, like the window's mapped tasks. The measured time begins when every shard
has had an acknowledgement, and ends when the first shard has had its last one. The transactions
before that are the warm-up.
"""

import multiprocessing
import threading
from functools import partial

from commands.bench.common import (
    Acknowledged,
    Target,
    load,
    load_publisher,
    parser,
    report,
    sales_of,
)
from include.sales.bulk import split


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--events", type=int, default=2_000_000)
    arguments.add_argument("--shards", type=int, default=2)
    options = arguments.parse_args()
    target = Target(options.kafka, options.topic)
    target.make_topics()
    shards = split(len(sales_of(options.events)), options.shards)
    # "spawn", because a forked process would inherit the Kafka client without its threads.
    with multiprocessing.get_context("spawn").Pool(len(shards)) as pool:
        acknowledged = pool.map(partial(publish, target), shards, chunksize=1)
    began = max(shard[0].at for shard in acknowledged)
    ended = min(shard[-1].at for shard in acknowledged)
    events = sum(_at(shard, ended) - _at(shard, began) for shard in acknowledged)
    report(
        events=sum(shard[-1].events for shard in acknowledged),
        warmup_events=sum(_at(shard, began) for shard in acknowledged),
        shards=len(shards),
        seconds=ended - began,
        per_second=events / (ended - began),
    )


def publish(target: Target, shard: range) -> list[Acknowledged]:
    """Publish a shard and return its acknowledgements.

    Their times are comparable between processes: `time.monotonic` is the same for the machine.
    """
    stop = threading.Event()
    with load_publisher(target, "bench", stop, f"-{shard.start}") as publisher:
        load(publisher, shard, stop)
    return publisher.acknowledged


def _at(shard: list[Acknowledged], moment: float) -> int:
    return max((ack.events for ack in shard if ack.at <= moment), default=0)


if __name__ == "__main__":
    main()
