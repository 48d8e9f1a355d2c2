"""A Kafka producer that retries its transactions while a broker is lost, up to a deadline."""

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, cast

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from include.stream.errors import (
    NOT_ALLOWED,
    Complaints,
    KafkaRefusedError,
    KafkaUnreachableError,
    StreamError,
)

log = logging.getLogger(__name__)

STOP_GRACE = 1.5
"""Seconds that the operation in progress may still take after a stop is asked for."""

_CLOSE_TIMEOUT = 1.5
_SLICE = 0.2
"""Seconds that one call into the client may block: signal handlers run only between calls."""

_TRANSACTION_TIMEOUT = 60.0
"""Seconds after which the broker aborts the transaction of a producer that was killed."""

_RETRY_BACKOFF = 1.0
_DOUBT = 0.8 * _RETRY_BACKOFF
"""Seconds from which on a commit or an abort may have been sent more than once.

librdkafka sends it again if its connection breaks, at the earliest after the back-off less
20 % of jitter, and does not tell. The first one may still reach the broker, which would then end
the next transaction of the same epoch half-way. A new producer has a new epoch.
"""

_FENCED = (
    KafkaError._FENCED,
    KafkaError.PRODUCER_FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
)


OutgoingRecord = tuple[str, bytes | str, bytes]
"""Topic, key and value of a record to produce; a plain tuple, since many are made each second."""


class ProducerFencedError(StreamError):
    """A newer producer with the same `transactional.id`, or `fence`, ended this one."""


def fence(config: Mapping[str, Any], transactional_id: str, *, seconds: float) -> None:
    """Make sure that no earlier producer with this `transactional.id` commits anything more.

    A transaction that is open is aborted.

    Raises `KafkaUnreachableError` after `seconds`, `KafkaRefusedError`, `KafkaEntryError`.
    """
    producer = TransactionalProducer(
        config, transactional_id=transactional_id, timeout=seconds, stopped=lambda: False
    )
    try:
        producer.init()
    except OutOfTimeError as error:
        raise KafkaUnreachableError(config, error.waited, error.reason) from error
    finally:
        producer.close()


class OutOfTimeError(Exception):
    """The broker did not answer before the deadline or a stop."""

    def __init__(self, waited: float, reason: str, *, in_doubt: bool) -> None:
        super().__init__(f"Kafka did not answer within {waited:.1f} s: {reason}")
        self.waited = waited
        """Seconds waited."""
        self.reason = reason
        """The client's latest complaint."""
        self.in_doubt = in_doubt
        """Whether the broker may have committed although its answer did not arrive."""


class TransactionalProducer:
    """A producer that sends each batch of records in one transaction.

    Call `init()` first, then `ends()` to read what earlier producers committed, `send()` for each
    transaction, and `close()` at the end. After any error, only `close()` may follow. Not safe for
    several threads.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        *,
        transactional_id: str,
        timeout: float,
        stopped: Callable[[], bool],
        renewed: Callable[[], None] = lambda: None,
    ) -> None:
        """Set up the client; nothing is sent before `init()`.

        `timeout`: seconds that each call of `init`, `ends` and `send` may take. `stopped` is called
        several times a second during a wait; once it returns true, `STOP_GRACE` seconds are left.
        `renewed` is called after the client was replaced, which fences a newer producer, too: it
        must raise `ProducerFencedError` if one has committed anything.
        """
        self._config = config
        self._transactional_id = transactional_id
        self._timeout = timeout
        self._stopped = stopped
        self._renewed = renewed
        self._reason = "no answer"
        self._complaints = Complaints(config)
        self._entered = False
        self.aborted = 0
        """Number of transactions that were aborted and retried."""
        self._began = self._deadline = 0.0
        self._open = self._committing = self._doubtful = False
        transaction_timeout = int(max(_TRANSACTION_TIMEOUT, timeout) * 1000)
        self._settings: dict[str, Any] = {
            "error_cb": self._note,
            **config,
            "transactional.id": transactional_id,
            "transaction.timeout.ms": transaction_timeout,
            # This class keeps the deadline over all tries of a batch: the client must not give
            # up on a message earlier.
            "message.timeout.ms": transaction_timeout,
            "retry.backoff.ms": int(_RETRY_BACKOFF * 1000),
            "retry.backoff.max.ms": int(_RETRY_BACKOFF * 1000),
            "enable.idempotence": True,
            "acks": "all",
            "partitioner": "murmur2_random",  # a key's partition is the one of the Java clients
        }
        self.replaced = 0
        """Number of times that the client was replaced, which fences newer producers."""
        self._producer: Producer | None = Producer(self._settings)

    def init(self) -> None:
        """Fence earlier producers of this `transactional.id` and settle their open transaction.

        Raises `OutOfTimeError`, `KafkaRefusedError`, `KafkaEntryError`.
        """
        self._start_clock(self._timeout)
        try:
            self._persist(self._client.init_transactions)
        except KafkaException as error:
            raise self._failure(error.args[0]) from error
        self._entered = True

    def ends(self, topic: str, partitions: Collection[int]) -> dict[int, int]:
        """Return each partition's end, which no broker but the partition's leader can tell.

        The records that were committed before the call have smaller offsets. A broker that is
        isolated from the others still calls itself the leader, and lists an old end of the log
        without an error. So this producer sends a record of its own to each partition, which the
        in-sync replicas must acknowledge, and the record's offset is the end. Its transaction is
        aborted: no reader with `read_committed` gets the record.

        If the client may have sent the abort more than once, it is replaced and begins again. As
        `replaced` then shows, the caller must read again what it had read before.

        Raises `OutOfTimeError`, `ProducerFencedError`, `KafkaRefusedError`.
        """
        self._start_clock(self._timeout)
        try:
            while True:
                if self._doubtful:
                    self._replace()
                ends = self._probe(topic, partitions)
                if not self._doubtful:
                    return ends
                self._pause()
        except KafkaException as error:
            raise self._failure(error.args[0]) from error

    def send(
        self, records: Sequence[OutgoingRecord], *, queued: Callable[[], None] = lambda: None
    ) -> None:
        """Commit the records in one transaction; retry it if it had to be aborted.

        If the client may have sent the end of the last transaction more than once, it is replaced
        first.

        `queued` is called in each try, once the client has queued all records and only the wait for
        Kafka is left.

        Raises `OutOfTimeError`, `ProducerFencedError`, or `KafkaRefusedError` if a retry cannot
        help.
        """
        self._start_clock(self._timeout)
        try:
            while True:
                if self._doubtful:
                    self._renew()
                if self._transact(records, queued):
                    return
                self.aborted += 1
                self._pause()
        except KafkaException as error:
            raise self._failure(error.args[0]) from error

    def close(self) -> None:
        """Abort the open transaction, if any, and drop the client, within 3 s.

        If the transaction cannot be aborted, that is logged. It then hides later records from
        readers until the next `init()`, or the broker's time-out, settles it.
        """
        if self._producer is None:
            return
        if self._open:
            self._start_clock(_CLOSE_TIMEOUT)
            self._abort_or_leave()
        # The client's own close() would wait for a lost broker; dropping the reference does not.
        self._producer = None

    def _abort_or_leave(self) -> None:
        if not self._committing:
            try:
                self._persist(self._client.abort_transaction)
            except (OutOfTimeError, KafkaException) as error:
                log.warning(
                    "The transaction of %r cannot be aborted: %s", self._transactional_id, error
                )
            else:
                return
        log.warning("The broker will settle the last transaction of %r", self._transactional_id)

    @property
    def _client(self) -> Producer:
        if self._producer is None:
            raise ValueError("the producer is closed")
        return self._producer

    def _replace(self) -> None:
        self.replaced += 1
        self._producer = Producer(self._settings)
        self._persist(self._client.init_transactions)
        self._doubtful = False

    def _renew(self) -> None:
        self._replace()
        clock = self._began, self._deadline
        self._renewed()
        self._began, self._deadline = clock  # a call of `ends` has had a time of its own

    def _probe(self, topic: str, partitions: Collection[int]) -> dict[int, int]:
        """Send a record to each partition, abort, and return the offsets of the records.

        If an offset is missing, the client is left in doubt.
        """
        client = self._client
        offsets: dict[int, int] = {}
        refused: list[KafkaError] = []

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                self._note(error)
                if error.code() in NOT_ALLOWED:
                    refused.append(error)
            # A record that the client sent twice may be acknowledged without its offset, as -1.
            elif (offset := message.offset()) is not None and offset >= 0:
                offsets[cast(int, message.partition())] = offset

        client.begin_transaction()
        self._open = True
        for partition in partitions:
            client.produce(
                topic, b"", self._transactional_id, partition=partition, on_delivery=delivered
            )
        while client.flush(_SLICE):
            self._check_time()
        began = time.monotonic()
        self._persist(client.abort_transaction)
        self._open = False
        if refused:
            raise KafkaException(refused[0])
        late = time.monotonic() - began >= _DOUBT
        self._doubtful = late or offsets.keys() != set(partitions)
        return offsets

    def _transact(self, records: Sequence[OutgoingRecord], queued: Callable[[], None]) -> bool:
        """Try one transaction; return False if it was aborted and may be retried."""
        client = self._client
        client.begin_transaction()
        self._open = True
        try:
            for topic, key, value in records:
                try:
                    client.produce(topic, value, key)
                except BufferError:
                    self._produce_in_turn(topic, key, value)
            queued()
            # commit_transaction() waits for delivery too, but cannot be aborted once it is called.
            while client.flush(_SLICE):
                self._check_time()
            self._committing = True
            began = time.monotonic()
            self._persist(client.commit_transaction)
            self._doubtful = time.monotonic() - began >= _DOUBT
        except KafkaException as error:
            if self._committing and not error.args[0].txn_requires_abort():
                raise
            self._note(error.args[0])
            self._committing = False
            self._persist(client.abort_transaction)
            self._open = False
            self._doubtful = True
            if error.args[0].code() in NOT_ALLOWED:
                raise
            return False
        self._open = self._committing = False
        return True

    def _produce_in_turn(self, topic: str, key: bytes | str, value: bytes) -> None:
        """Produce a record once the client's full queue has room, after deliveries."""
        while True:
            self._client.poll(_SLICE)
            self._check_time()
            try:
                self._client.produce(topic, value, key)
            except BufferError:
                continue
            return

    def _persist(self, call: Callable[[float], object]) -> None:
        """Call with a short time-out, and repeat the call while its error is retriable."""
        while True:
            try:
                call(_SLICE)
            except KafkaException as error:
                if not error.args[0].retriable():
                    raise
                self._client.poll(0)  # calls error_cb with the reason for the missing answer
                if not self._entered:
                    # After init(), a refused login is retried until the deadline, as a lost broker.
                    self._complaints.raise_if_hopeless()
                if error.args[0].code() == KafkaError._TIMED_OUT:
                    self._check_time()
                else:
                    self._note(error.args[0])
                    self._pause()
            else:
                return

    def _pause(self) -> None:
        self._check_time()
        time.sleep(_SLICE)

    def _start_clock(self, seconds: float) -> None:
        self._began = time.monotonic()
        self._deadline = self._began + seconds

    def _check_time(self) -> None:
        # Not `include.waiting`: a stop brings the deadline forward, and the client's calls wait.
        now = time.monotonic()
        if self._stopped():
            self._deadline = min(self._deadline, now + STOP_GRACE)
        if now >= self._deadline:
            raise OutOfTimeError(now - self._began, self._reason, in_doubt=self._committing)

    def _note(self, error: KafkaError) -> None:
        self._reason = error.str()
        self._complaints(error)

    def _failure(self, error: KafkaError) -> StreamError:
        if error.code() in _FENCED:
            return ProducerFencedError(
                f"this producer ends: a newer one took over transactional.id "
                f"{self._transactional_id!r}, or the run was closed"
            )
        return KafkaRefusedError(self._config, "publish in a transaction", error)
