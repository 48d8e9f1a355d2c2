"""Publish a run's sales with their ledger entries, so that Kafka stores each exactly once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from itertools import repeat
from types import MappingProxyType, TracebackType
from typing import Any, Self

import msgspec

from include.names import LEDGER_TOPIC, TOPIC
from include.sales.event import Venta
from include.sales.event import encode as encode_sale
from include.sales.faults import Faults
from include.sales.incidents import Incident
from include.stream import ledger
from include.stream.errors import KafkaUnreachableError, StreamError
from include.stream.injection import Transaction, columns_of, inject
from include.stream.ledger import LedgerEntry, OmittedSale, RunProgress
from include.stream.reader import chains_of_run
from include.stream.transactions import (
    OutgoingRecord,
    OutOfTimeError,
    ProducerFencedError,
    TransactionalProducer,
)


class NotAcknowledgedError(StreamError):
    """A batch was not acknowledged before the delivery time-out or a stop."""

    def __init__(
        self,
        config: Mapping[str, Any],
        progress: RunProgress,
        unacknowledged: int,
        cause: OutOfTimeError,
    ) -> None:
        fate = (
            "Kafka may have stored the latter: a resumed run finds out"
            if cause.in_doubt
            else "Kafka did not store the latter"
        )
        self.acknowledged = progress.rows
        """Acknowledged records of the run, over all its tries (`RunProgress.rows`)."""
        self.unacknowledged = unacknowledged
        """Records of the last batch; all earlier batches are acknowledged."""
        self.in_doubt = cause.in_doubt
        """Whether Kafka may have committed that batch although its answer did not arrive."""
        super().__init__(
            f"Kafka at {config['bootstrap.servers']} did not acknowledge the last batch of run "
            f"{progress.run!r} within {cause.waited:.1f} s ({cause.reason}): "
            f"{self.acknowledged} records acknowledged, {unacknowledged} not. {fate}"
        )


class SalePublisher:
    """A transactional producer of one run's sales.

    Call `open()` first, which returns the run's progress; then `commit()` batch by batch; at the
    end `close()`, which a `with` block calls for you. Not safe for several threads.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        corrida: str,
        *,
        seed: int,
        choices: str = "",
        transactional_id: str,
        delivery_timeout: float,
        topic: str = TOPIC,
        ledger_topic: str = LEDGER_TOPIC,
        tuning: Mapping[str, Any] = MappingProxyType({}),
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        """Set up the client; nothing is sent before `open()`.

        Args:
            config: librdkafka's configuration, for the producer and the consumers.
            corrida: name of the run.
            seed: seed of the run, written to the ledger.
            choices: `SaleSource.choices`, written to the ledger.
            transactional_id: must be the same in each try of the run.
            delivery_timeout: seconds to wait for a lost broker to come back, for each batch.
            topic: topic of the sales.
            ledger_topic: topic of the ledger.
            tuning: settings for the producer alone.
            stopped: called several times a second during a wait; once it returns true, the
                operation in progress is given up shortly after.
        """
        self.progress = RunProgress(corrida)
        """Acknowledged part of the run, over all its tries."""
        self.resumed_at = 0
        """The first `secuencia` of this try, known once the publisher is open."""
        self.incidents: tuple[Incident, ...] = ()
        """The run's incidents, written to the ledger."""
        self._config = config
        self._seed = seed
        self._choices = choices
        self._topic = topic
        self._ledger_topic = ledger_topic
        self._producer = TransactionalProducer(
            {**tuning, **config},
            transactional_id=transactional_id,
            timeout=delivery_timeout,
            stopped=stopped,
            renewed=self._check_progress,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def open(self, *, since: datetime | None = None, shard: range | None = None) -> RunProgress:
        """Take over from earlier tries and return what they committed.

        Earlier producers are fenced and their open transaction is settled before the ledger is
        read, so they can add nothing after the read. The read goes to a proven end, so it misses
        nothing that they committed. `since`: no record of the run is older than
        this (None: unknown). `shard`: the sales of this publisher, if the run has several
        publishers (None: all sales).

        Raises `KafkaUnreachableError` after the delivery time-out, `ResumeMismatchError` for
        another seed or other choices, and the errors of `ledger.read_run`.
        """
        self._read_progress = partial(
            ledger.read_run,
            self._config,
            self._ledger_topic,
            self.progress.run,
            since=since,
            shard=shard,
            proven_ends=partial(self._producer.ends, self._ledger_topic),
        )
        with self._reached():
            self._producer.init()
            self.progress = self._read_progress()
        self.progress.check_seed(self._seed)
        self.progress.check_choices(self._choices)
        self.resumed_at = self.progress.last + 1
        return self.progress

    def commit(
        self,
        sales: Sequence[Venta],
        faults: Faults | None = None,
        omitted: Sequence[OmittedSale] = (),
    ) -> None:
        """Publish events and their ledger entries in one transaction; return once acknowledged.

        `sales` are events of this run. The sales that begin in them and the `omitted` ones together
        must follow `progress.last` without a gap. `faults` are the faults to inject.

        Raises `NotAcknowledgedError` after the delivery time-out, `ProducerFencedError` if a newer
        try took over, and `KafkaRefusedError` if a retry cannot help. After an error, only
        `close()` may follow.
        """
        transaction = Transaction(
            [sale.id_venta for sale in sales],
            [encode_sale(sale) for sale in sales],
            ledger.entries_for(sales, self._seed),
        )
        if faults:
            transaction = inject(faults, columns_of(sales), transaction)
        # No event has the moment of an omitted sale, so an entry of its own keeps it.
        alone = [entry for it in omitted for entry in ledger.entries_for([], self._seed, [it])]
        self.commit_encoded(transaction.keys, transaction.values, [*transaction.entries, *alone])

    def commit_encoded(
        self,
        keys: Sequence[str],
        values: Sequence[bytes],
        entries: Sequence[LedgerEntry],
        *,
        queued: Callable[[], None] = lambda: None,
    ) -> None:
        """Publish events that are already JSON, as `commit` does; `entries` must sum them exactly.

        `queued` is as in `TransactionalProducer.send`.
        """
        entries = [
            msgspec.structs.replace(entry, contenido=self._choices, incidentes=self.incidents)
            for entry in entries
        ]
        run_key = self.progress.run.encode()
        records: list[OutgoingRecord] = [*zip(repeat(self._topic), keys, values)]
        records += [(self._ledger_topic, run_key, ledger.encode(entry)) for entry in entries]
        try:
            self._producer.send(records, queued=queued)
        except OutOfTimeError as error:
            raise NotAcknowledgedError(self._config, self.progress, len(values), error) from error
        for entry in entries:
            self.progress = self.progress.plus(entry)

    def chains(self, *, since: datetime | None = None) -> dict[int, tuple[datetime, int]]:
        """Return the beginning and the committed steps of each sale, as `reader.chains_of_run`.

        Raises `KafkaUnreachableError` after the delivery time-out, `ProducerFencedError` if a newer
        try has published, and the errors of that function.
        """
        replaced = self._producer.replaced
        with self._reached():
            chains = chains_of_run(
                self._config,
                self._topic,
                self.progress.run,
                since=since,
                proven_ends=partial(self._producer.ends, self._topic),
            )
            if self._producer.replaced != replaced:
                self._check_progress()
        return chains

    @property
    def aborted(self) -> int:
        return self._producer.aborted

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """Raise `KafkaUnreachableError` if Kafka does not answer the producer in time."""
        try:
            yield
        except OutOfTimeError as error:
            raise KafkaUnreachableError(self._config, error.waited, error.reason) from error

    def _check_progress(self) -> None:
        """Raise `ProducerFencedError` if the ledger has other entries than this try's progress."""
        if self._read_progress() != self.progress:
            raise ProducerFencedError(
                f"this publisher ends: a newer one has published sales of run {self.progress.run!r}"
            )

    def close(self) -> None:
        """Abort the open transaction, if any, and drop the client, within 3 s."""
        self._producer.close()
