"""A Kafka producer whose transactions are ridden through a lost broker, up to a deadline."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Producer

from include.stream.errors import NOT_ALLOWED, Complaints, KafkaRefusedError, StreamError

log = logging.getLogger(__name__)

STOP_GRACE = 1.5
"""Seconds that what is under way is still given once a stop is asked for."""

_CLOSE_TIMEOUT = 1.5
_SLICE = 0.2
"""Seconds that one call into the client may block: signal handlers run between calls only."""

_TRANSACTION_TIMEOUT = 60.0
"""Seconds after which the broker aborts the transaction of a producer that was killed."""

_FENCED = (
    KafkaError._FENCED,
    KafkaError.PRODUCER_FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
)


class ToSend(NamedTuple):
    """A record to produce."""

    topic: str
    key: bytes | str
    value: bytes


Record = tuple[str, bytes | str, bytes]
"""Topic, key and value: a `ToSend`, or where there are many a plain tuple, which is faster."""


class ProducerFencedError(StreamError):
    """A newer producer with the same `transactional.id` took over; this one must end."""


class OutOfTimeError(Exception):
    """The deadline, or a stop, came before the broker's answer."""

    def __init__(self, waited: float, reason: str, *, in_doubt: bool) -> None:
        super().__init__(f"no answer within {waited:.1f} s: {reason}")
        self.waited = waited
        """Seconds."""
        self.reason = reason
        """The client's last complaint."""
        self.in_doubt = in_doubt
        """Whether the transaction may have been committed without the answer arriving."""


class TransactionalProducer:
    """`init()` first, then `send()` transaction by transaction, and `close()`.

    Any error ends it: only `close()` may follow. Not for several threads.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        *,
        transactional_id: str,
        timeout: float,
        stopped: Callable[[], bool],
    ) -> None:
        """Set up the client; nothing is sent before `init()`.

        `timeout`: seconds that each of `init` and `send` may take. `stopped` is asked several times
        a second during a wait; once it is true, `STOP_GRACE` seconds are left.
        """
        self._config = config
        self._transactional_id = transactional_id
        self._timeout = timeout
        self._stopped = stopped
        self._reason = "no answer"
        self._complaints = Complaints(config)
        self._entered = False
        self.aborted = 0
        """Transactions that had to be tried again."""
        self._began = self._deadline = 0.0
        self._open = self._committing = False
        transaction_timeout = int(max(_TRANSACTION_TIMEOUT, timeout) * 1000)
        self._producer: Producer | None = Producer(
            {
                "error_cb": self._note,
                **config,
                "transactional.id": transactional_id,
                "transaction.timeout.ms": transaction_timeout,
                # The deadline is kept here, over all tries of a batch: the client must not give up
                # on a message before.
                "message.timeout.ms": transaction_timeout,
                "enable.idempotence": True,
                "acks": "all",
                "partitioner": "murmur2_random",  # as the Java clients do: same key, same partition
            }
        )

    def init(self) -> None:
        """Fence earlier producers of the same `transactional.id` and settle what they left open.

        Raises `OutOfTimeError`, `KafkaRefusedError`, `KafkaEntryError`.
        """
        self._start_clock(self._timeout)
        try:
            self._persist(self._client.init_transactions)
        except KafkaException as error:
            raise self._failure(error.args[0]) from error
        self._entered = True

    def send(self, records: Sequence[Record], *, queued: Callable[[], None] = lambda: None) -> None:
        """Commit the records in one transaction; one that had to be aborted is tried again.

        `queued` is called once the client has taken all records, and only waiting is left: again
        for each try.

        Raises `OutOfTimeError`, `ProducerFencedError`, or `KafkaRefusedError` for what no waiting
        can mend.
        """
        self._start_clock(self._timeout)
        try:
            while not self._transact(records, queued):
                self.aborted += 1
                self._pause()
        except KafkaException as error:
            raise self._failure(error.args[0]) from error

    def close(self) -> None:
        """Abort what is open and drop the client, within 3 s; what could not be aborted is logged.

        A transaction left open hides later records from readers until the next `init()` settles it
        or the broker's time-out does.
        """
        if self._producer is None:
            return
        if self._open:
            self._start_clock(_CLOSE_TIMEOUT)
            self._abort_or_leave()
        # The client's own close() waits for a lost broker; letting go of it does not.
        self._producer = None

    def _abort_or_leave(self) -> None:
        if not self._committing:
            try:
                self._persist(self._client.abort_transaction)
            except (OutOfTimeError, KafkaException) as error:
                log.warning("aborting failed: %s", error)
            else:
                return
        log.warning("the last transaction of %r is left to the broker", self._transactional_id)

    @property
    def _client(self) -> Producer:
        if self._producer is None:
            raise ValueError("the producer is closed")
        return self._producer

    def _transact(self, records: Sequence[Record], queued: Callable[[], None]) -> bool:
        """Try one transaction; False if it was aborted and may be tried anew."""
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
            # The client's commit waits for delivery too, but cannot be aborted once called.
            while client.flush(_SLICE):
                self._check_time()
            self._committing = True
            self._persist(client.commit_transaction)
        except KafkaException as error:
            if self._committing and not error.args[0].txn_requires_abort():
                raise
            self._note(error.args[0])
            self._committing = False
            self._persist(client.abort_transaction)
            self._open = False
            if error.args[0].code() in NOT_ALLOWED:
                raise
            return False
        self._open = self._committing = False
        return True

    def _produce_in_turn(self, topic: str, key: bytes | str, value: bytes) -> None:
        """Produce once the client's full queue has room: delivery makes it."""
        while True:
            self._client.poll(_SLICE)
            self._check_time()
            try:
                self._client.produce(topic, value, key)
            except BufferError:
                continue
            return

    def _persist(self, call: Callable[[float], object]) -> None:
        """Call with a short time-out, again and again while the client says that it may succeed."""
        while True:
            try:
                call(_SLICE)
            except KafkaException as error:
                if not error.args[0].retriable():
                    raise
                self._client.poll(0)  # delivers to error_cb why there is no answer
                if not self._entered:
                    # Later, a login that is refused is ridden out as a lost broker is.
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
                f"another producer took over {self._transactional_id!r}: this one ends"
            )
        return KafkaRefusedError(self._config, "publish in a transaction", error)
