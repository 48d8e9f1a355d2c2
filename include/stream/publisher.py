"""Publish a run's sales with their ledger entries: what is acknowledged is there exactly once."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import repeat
from types import MappingProxyType, TracebackType
from typing import Any, Self

import msgspec

from include.sales.event import Venta
from include.sales.event import encode as encode_sale
from include.sales.faults import Faults
from include.stream import ledger
from include.stream.errors import KafkaUnreachableError, StreamError
from include.stream.injection import Transaction, columns_of, inject
from include.stream.ledger import LedgerEntry, RunProgress
from include.stream.reader import chains_of_run
from include.stream.transactions import OutOfTimeError, Record, TransactionalProducer


class NotAcknowledgedError(StreamError):
    """The delivery time-out, or a stop, came before the acknowledgement of a batch."""

    def __init__(
        self,
        config: Mapping[str, Any],
        progress: RunProgress,
        unacknowledged: int,
        cause: OutOfTimeError,
    ) -> None:
        fate = (
            "whether they are published shows when the run is resumed"
            if cause.in_doubt
            else "they are not published"
        )
        self.acknowledged = progress.rows
        """Events of the run that are acknowledged, over all its tries."""
        self.unacknowledged = unacknowledged
        """Records of the last batch; all earlier batches are acknowledged."""
        self.in_doubt = cause.in_doubt
        """Whether that batch may have been committed without the answer arriving."""
        super().__init__(
            f"Kafka at {config['bootstrap.servers']} did not acknowledge the last batch of run "
            f"{progress.corrida!r} within {cause.waited:.1f} s ({cause.reason}): sales "
            f"acknowledged {self.acknowledged}, not acknowledged {unacknowledged}, {fate}"
        )


class SalePublisher:
    """A transactional producer of one run's sales.

    `open()` first, which also tells where the run stands; then `commit()` batch by batch, and
    `close()`: a `with` block does. Not for several threads.
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
        topic: str = "ventas",
        ledger_topic: str = "ventas.ledger",
        tuning: Mapping[str, Any] = MappingProxyType({}),
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        """Set up the client; nothing is sent before `open()`.

        `choices`: `SaleSource.choices`, which goes into the ledger with the seed. `config`:
        librdkafka's, and `tuning` what is the producer's alone. `delivery_timeout`:
        seconds that a lost broker is ridden out, for each batch. `stopped` is asked several times a
        second during a wait; once it is true, what is under way is given up shortly after.
        `transactional_id` has to be the same in each try.
        """
        self.progress = RunProgress(corrida)
        """What is acknowledged of the run, over all its tries."""
        self.resumed_at = 0
        """The `secuencia` at which this try goes on, once it is open."""
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

        Their open transaction is settled and they are fenced before the ledger is read, so nothing
        can be added behind what is read. `since`: no record of the run is older (None: unknown).
        `shard`: the sales of this publisher, where the run has several; None: all of them.

        Raises `KafkaUnreachableError` after the delivery time-out, `ResumeMismatchError` for
        another seed or other choices, and what `ledger.read_run` raises.
        """
        try:
            self._producer.init()
        except OutOfTimeError as error:
            raise KafkaUnreachableError(self._config, error.waited, error.reason) from error
        corrida = self.progress.corrida
        self.progress = ledger.read_run(
            self._config, self._ledger_topic, corrida, since=since, shard=shard
        )
        self.progress.check_seed(self._seed)
        self.progress.check_choices(self._choices)
        self.resumed_at = self.progress.last + 1
        return self.progress

    def commit(self, sales: Sequence[Venta], faults: Faults | None = None) -> None:
        """Publish the sales and their ledger entries in one transaction; return once acknowledged.

        They are of this run; the sales that begin go on from `progress.last`, without a gap.
        `faults` says what befalls them on purpose.

        Raises `NotAcknowledgedError` after the delivery time-out, `ProducerFencedError` if a newer
        try took over, `KafkaRefusedError` for what no waiting can mend; only `close()` may follow.
        """
        transaction = Transaction(
            [sale.id_venta for sale in sales],
            [encode_sale(sale) for sale in sales],
            ledger.entries_for(sales, self._seed),
        )
        if faults:
            transaction = inject(faults, columns_of(sales), transaction)
        self.commit_encoded(*transaction)

    def commit_encoded(
        self,
        keys: Sequence[str],
        values: Sequence[bytes],
        entries: Sequence[LedgerEntry],
        *,
        queued: Callable[[], None] = lambda: None,
    ) -> None:
        """Do as `commit` does with sales that are JSON already; `entries` sum exactly them.

        `queued` is as in `TransactionalProducer.send`.
        """
        entries = [msgspec.structs.replace(entry, contenido=self._choices) for entry in entries]
        run_key = self.progress.corrida.encode()
        records: list[Record] = [*zip(repeat(self._topic), keys, values)]
        records += [(self._ledger_topic, run_key, ledger.encode(entry)) for entry in entries]
        try:
            self._producer.send(records, queued=queued)
        except OutOfTimeError as error:
            raise NotAcknowledgedError(self._config, self.progress, len(values), error) from error
        for entry in entries:
            self.progress = self.progress.plus(entry)

    def chains(self, *, since: datetime | None = None) -> dict[int, tuple[datetime, int]]:
        """What is published of each sale of the run; as `reader.chains_of_run`."""
        return chains_of_run(self._config, self._topic, self.progress.corrida, since=since)

    @property
    def aborted(self) -> int:
        """Transactions that had to be tried again."""
        return self._producer.aborted

    def close(self) -> None:
        """Abort what is open and drop the client, within 3 s."""
        self._producer.close()
