"""Run a schedule: a producer behind the harming proxy, then the proof of its history."""

import asyncio
import multiprocessing
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Final, NamedTuple, TypeVar

from commands.chaos.network import sellers
from commands.chaos.network.brokers import Brokers, pause
from commands.chaos.network.harms import Harm, Schedule
from commands.chaos.network.history import Anomaly, Sent, Transaction, anomalies
from commands.chaos.network.proxy import Proxy
from include.sales.event import decode
from include.sales.sums import Sums, added, sums_of
from include.stream import ledger
from include.stream.errors import StreamError
from include.stream.reader import read_committed
from include.stream.topics import ensure_topic

T = TypeVar("T")

_TRIES: Final = 6
"""Processes of a producer, one after the other; the last ones work without harms."""

_CALM_TRIES: Final = 3
_PATIENCE: Final = 3.0
_CALM_PATIENCE: Final = 60.0
_LONGEST: Final = 150.0
_ATTEMPTS: Final = 3
"""Attempts of the harness to create topics, and to read what Kafka holds.

Other schedules may harm Kafka's nodes meanwhile. What is lost or twice stays so in each attempt.
"""

_PROCESSES: Final = multiprocessing.get_context("forkserver")
# Each process imports the main module, too, which is `commands.cli` for `./ventas chaos`.
_PROCESSES.set_forkserver_preload([sellers.__name__, "commands.cli"])


class _Lane(NamedTuple):
    """Topics that one schedule at a time uses."""

    topic: str
    ledger_topic: str


class Proof(NamedTuple):
    """A schedule's history, compared with Kafka."""

    schedule: Schedule
    history: list[Transaction]
    read: int
    """Records in Kafka."""
    harms: Sequence[Harm]
    """Harms that were done."""
    anomalies: list[Anomaly]


class Harness:
    """Runs schedules against Kafka, several at once if asked to."""

    def __init__(self, config: Mapping[str, Any], proxy: Proxy, brokers: Brokers) -> None:
        """Use the brokers that `config` connects to directly."""
        self._config = {**config, "log_level": "2"}
        self._proxied = {**self._config, "bootstrap.servers": proxy.addresses}
        self._proxy = proxy
        self._brokers = brokers
        self._free: defaultdict[int, list[_Lane]] = defaultdict(list)
        """Lanes that no schedule uses, by the number of partitions."""

    async def prove(self, schedule: Schedule, *, naive: bool = False) -> Proof:
        """Run the producer to its end under the schedule's harms, and check its history.

        The naive producer is not replaced while it lives: it has no ledger to resume from.
        """
        free = self._free[schedule.partitions]
        lane = free.pop() if free else await _patiently(self._new_lane, schedule.partitions)
        try:
            return await self._prove(schedule, lane, naive=naive)
        finally:
            free.append(lane)

    async def _prove(self, schedule: Schedule, lane: _Lane, *, naive: bool) -> Proof:
        harms = [harm for harm in schedule.harms if not (naive and harm.kind == "replace")]
        corrida = f"{schedule.name} {uuid.uuid4().hex[:8]}"
        since = datetime.now(UTC) - timedelta(seconds=2)
        run = sellers.Run(
            config={**self._proxied, "client.id": corrida},
            tuning={"socket.timeout.ms": schedule.timeout_ms, "reconnect.backoff.max.ms": 500},
            topic=lane.topic,
            ledger_topic=lane.ledger_topic,
            corrida=corrida,
            transactions=schedule.transactions,
            since=since,
            patience=_PATIENCE,
            acknowledged=0,
        )
        tries: list[_Try] = []
        replaced = asyncio.Event()

        def hurt(harm: Harm, port: int) -> bool:
            if harm.of_node:
                return self._brokers.hurt(harm, port)
            if harm.kind == "kill":
                tries[-1].kill()
            else:
                tries[-1].pause(harm.seconds)
                if harm.kind == "replace":
                    replaced.set()
            return True

        async with self._proxy.harming(corrida, harms, hurt) as victim:
            for number in range(_TRIES):
                if number == _TRIES - _CALM_TRIES:
                    await victim.calm()
                    run = run._replace(patience=_CALM_PATIENCE)
                run = run._replace(acknowledged=_acknowledged(tries))
                replaced.clear()
                tries.append(_Try(run, naive=naive))
                await _first(tries[-1].ended, replaced)
                if tries[-1].finished:
                    break
            for each in tries:
                await each.ended.wait()
        history = [transaction for each in tries for transaction in each.history]
        newest = len(history) - 1
        read: list[Sent] = []
        for _ in range(_ATTEMPTS):
            # An isolated broker may still call itself the leader, and show an old end of the log.
            await self._brokers.calm()
            try:
                read, equal = await asyncio.to_thread(self._read, lane, corrida, since)
            except StreamError as error:
                found = [Anomaly("unreadable", newest, str(error))]
                continue
            found = anomalies(history, read)
            if not equal:
                found.append(Anomaly("ledger differs", newest, corrida))
            if not found:
                break
        if not tries[-1].finished:
            found.append(Anomaly("unfinished", newest, tries[-1].error))
        return Proof(schedule, history, len(read), victim.done, found)

    def _new_lane(self, partitions: int) -> _Lane:
        lane = _Lane(*(f"{name}-{uuid.uuid4().hex[:8]}" for name in ("ventas", "ventas.ledger")))
        ensure_topic(self._config, lane.topic, partitions=partitions)
        ensure_topic(self._config, lane.ledger_topic, partitions=1)
        return lane

    def _read(self, lane: _Lane, corrida: str, since: datetime) -> tuple[list[Sent], bool]:
        """Return the run's records, and whether the ledger's sums are those of the events."""
        read = []
        sold: dict[str, Sums] = {}
        told: dict[str, Sums] = {}
        for record in read_committed(self._config, lane.topic, since=since):
            event = decode(record.value or b"")
            if event.corrida == corrida:
                read.append(sellers.sale_sent(lane.topic, event))
                sold = added(sold, {event.estado: sums_of(event)})
        for record in read_committed(self._config, lane.ledger_topic, since=since):
            if record.key == corrida.encode():
                text = (record.value or b"").decode()
                read.append(Sent(lane.ledger_topic, corrida, text))
                told = added(told, ledger.decode(text.encode()).estados)
        return read, sold == told


class _Try:
    """A process of the producer."""

    def __init__(self, run: sellers.Run, *, naive: bool) -> None:
        self.history: list[Transaction] = []
        self.error = "killed"
        self.ended = asyncio.Event()
        self._pipe, theirs = _PROCESSES.Pipe(duplex=False)
        self._process: BaseProcess = _PROCESSES.Process(
            target=sellers.sell, args=(run, theirs), kwargs={"naive": naive}, daemon=True
        )
        self._process.start()
        theirs.close()
        loop = asyncio.get_running_loop()
        loop.add_reader(self._process.sentinel, self._end)
        self._limit = loop.call_later(_LONGEST, self.kill)

    @property
    def finished(self) -> bool:
        """Whether the process published the whole run."""
        return self.ended.is_set() and not self.error

    def kill(self) -> None:
        if not self.ended.is_set():
            self._process.kill()

    def pause(self, seconds: float) -> None:
        """Stop the process (SIGSTOP) for some seconds."""
        if not self.ended.is_set() and self._process.pid:
            pause(self._process.pid, seconds)

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self._limit.cancel()
        self._process.join()
        self.history, said = _told(self._pipe)
        self.error = said or ("" if self._process.exitcode == 0 else self.error)
        self._pipe.close()
        self._process.close()
        self.ended.set()


async def _patiently(call: Callable[..., T], *arguments: object) -> T:
    """Call in a thread, again after an error of Kafka, and return the result."""
    for _ in range(_ATTEMPTS - 1):
        with suppress(StreamError):
            return await asyncio.to_thread(call, *arguments)
    return await asyncio.to_thread(call, *arguments)


def _told(pipe: Connection) -> tuple[list[Transaction], str]:
    """Return the history that a process sent until its end, and its error."""
    history: list[Transaction] = []
    said = ""
    with suppress(EOFError):
        while True:
            match pipe.recv():
                case tuple() as records:
                    history.append(Transaction(records, "unknown"))
                case "acknowledged" | "aborted" | "unknown" as outcome:
                    history[-1] = history[-1]._replace(outcome=outcome)
                case text:
                    said = text
    return history, said


def _acknowledged(tries: Sequence[_Try]) -> int:
    return sum(t.outcome == "acknowledged" for each in tries for t in each.history)


async def _first(*events: asyncio.Event) -> None:
    """Wait for the first of some events."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
