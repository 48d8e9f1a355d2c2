"""The producers under test, each in a process of its own that a schedule may kill.

`sell_safely` is the project's publisher. `sell_naively` handles errors as the documentation of
librdkafka says, and no better. Both sell the same: one sale begins in each transaction, together
with the next step of the earlier ones.
"""

import os
import signal
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, Protocol

from confluent_kafka import KafkaException, Producer

from commands.chaos.network.history import Outcome, Sent
from include.sales.content import SaleSource
from include.sales.event import Venta, encode
from include.sales.market import load_market
from include.stream import ledger
from include.stream.publisher import NotAcknowledgedError, SalePublisher
from include.stream.session import SESSION_CONFIG

_SEED: Final = 7
_FIRST: Final = datetime(2026, 11, 30, 12, tzinfo=UTC)
_LONGEST_CHAIN: Final = 3
_ABANDONED: Final = 3
"""The naive producer aborts each third transaction once, as if the buyer changed his mind."""

# The process from which the producers' processes are forked imports this module, so that they need
# not draw and read these again. Each of them imports the command line again, which runpy warns of.
warnings.filterwarnings("ignore", "'commands.cli' found", RuntimeWarning)
_MARKET: Final = load_market()
SaleSource(_MARKET, _SEED, "first").chain(0, _FIRST)


class Run(NamedTuple):
    """Parameters of a producer's process."""

    config: Mapping[str, Any]
    tuning: Mapping[str, Any]
    topic: str
    ledger_topic: str
    corrida: str
    transactions: int
    since: datetime
    patience: float
    """Delivery time-out, in seconds."""
    acknowledged: int
    """Transactions that earlier processes saw acknowledged; only the naive producer trusts it."""


class Pipe(Protocol):
    """The part of `multiprocessing.connection.Connection` that a producer uses."""

    def send(self, obj: Any) -> None: ...


def sell(run: Run, pipe: Pipe, *, naive: bool) -> None:
    """Sell what is left of the run, and send the history through the pipe.

    For each transaction, the tuple of its records is sent before it begins, and its outcome after
    its end. An error ends the process; its text is the last that is sent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # librdkafka and the publisher log each harm there.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    try:
        (sell_naively if naive else sell_safely)(run, pipe)
    except Exception as error:  # noqa: BLE001 - the text goes to the schedule's proof
        pipe.send(f"{type(error).__name__}: {error}")


def baskets(source: SaleSource, transactions: int) -> Iterator[list[tuple[int, Venta]]]:
    """Yield the events of each transaction, with the number of their step."""
    chains = [source.chain(n, _FIRST + timedelta(seconds=n)) for n in range(transactions)]
    for number in range(transactions + _LONGEST_CHAIN):
        begun = range(max(0, number - _LONGEST_CHAIN), min(number + 1, transactions))
        yield [(number - n, chains[n][number - n]) for n in begun if number - n < len(chains[n])]


def sell_safely(run: Run, pipe: Pipe) -> None:
    source = _source(run)
    with SalePublisher(
        run.config,
        run.corrida,
        seed=_SEED,
        transactional_id=run.corrida,
        delivery_timeout=run.patience,
        topic=run.topic,
        ledger_topic=run.ledger_topic,
        tuning={**SESSION_CONFIG, **run.tuning},
    ) as publisher:
        publisher.open(since=run.since)
        committed = publisher.chains(since=run.since)
        for basket in baskets(source, run.transactions):
            events = [
                event
                for step, event in basket
                if step >= committed.get(event.secuencia, (_FIRST, 0))[1]
            ]
            if not events:
                continue
            pipe.send(_records(run, events))
            try:
                publisher.commit(events)
            except NotAcknowledgedError as error:
                pipe.send("unknown" if error.in_doubt else "aborted")
                raise
            pipe.send("acknowledged")


def sell_naively(run: Run, pipe: Pipe) -> None:
    config = {
        **run.config,
        **run.tuning,
        "transactional.id": run.corrida,
        # Shorter than the time for which the reader waits for an open transaction.
        "transaction.timeout.ms": 20_000,
    }
    producer = Producer(config)
    producer.init_transactions()
    for number, basket in enumerate(baskets(_source(run), run.transactions)):
        events = [event for _, event in basket]
        if number < run.acknowledged or not events:
            continue
        abandon = number % _ABANDONED == _ABANDONED - 1
        outcome: Outcome = "unknown"
        while outcome != "acknowledged":
            pipe.send(_records(run, events))
            outcome = _naive_transaction(run, producer, events, abandon=abandon)
            pipe.send(outcome)
            abandon = False
            if outcome == "unknown":
                producer = Producer(config)
                producer.init_transactions()


def _naive_transaction(
    run: Run, producer: Producer, events: list[Venta], *, abandon: bool
) -> Outcome:
    try:
        producer.begin_transaction()
        for event in events:
            producer.produce(run.topic, encode(event), event.id_venta)
        producer.flush()
        for entry in ledger.entries_for(events, _SEED):
            producer.produce(run.ledger_topic, ledger.encode(entry), run.corrida)
        producer.flush()
        if abandon:
            producer.abort_transaction()
            return "aborted"
        while True:
            try:
                producer.commit_transaction()
            except KafkaException as error:
                if not error.args[0].retriable():
                    raise
            else:
                return "acknowledged"
    except KafkaException as error:
        if error.args[0].txn_requires_abort():
            with suppress(KafkaException):
                producer.abort_transaction()
                return "aborted"
        return "unknown"


def _source(run: Run) -> SaleSource:
    return SaleSource(_MARKET, _SEED, run.corrida, seconds_per_day=60)


def _records(run: Run, events: list[Venta]) -> tuple[Sent, ...]:
    entries = ledger.entries_for(events, _SEED)
    return (
        *(sale_sent(run.topic, event) for event in events),
        *(Sent(run.ledger_topic, run.corrida, ledger.encode(e).decode()) for e in entries),
    )


def sale_sent(topic: str, event: Venta) -> Sent:
    """Return the record of an event; the end of its id is the number of its step."""
    return Sent(topic, event.id_venta, event.id_evento, int(event.id_evento.rpartition("-")[2]))
