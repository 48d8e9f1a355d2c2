"""The ledger: what each run has sent, written in the same transactions as the sales themselves.

Each record of the ledger topic is a `LedgerEntry` whose key is the run's name: the exact counts and
sums that one transaction added to one minute of event time. A run's totals are the sum of its
entries, and its next sale follows the greatest committed `secuencia`. The first event of a sale,
and no other, is in state `pendiente`: the number of those events is the number of sales. The sales
that an incident prevents have numbers, too, but no events: the entries count them.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from include.names import CLOCK_SKEW
from include.sales.event import Venta, decode_json
from include.sales.faults import GARBLED
from include.sales.incidents import OMITTED, Incident
from include.sales.sums import Cell, Sums, added, sums_of
from include.stream.errors import StreamError
from include.stream.reader import ProvenEnds, Record, read_committed
from include.stream.topics import TopicMissingError

_MINUTE_LENGTH = len("2026-11-24T12:00")


class LedgerEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Counts and sums that one transaction added to one run and one UTC minute of event time."""

    corrida: str
    semilla: int
    desde: int
    """Smallest `secuencia` of the events summed here, and of the omitted sales."""
    hasta: int
    """Greatest `secuencia` of the events summed here, and of the omitted sales."""
    minuto: str
    """`2026-11-24T12:00:00Z`."""
    primera_ts: str
    """Smallest `ts` of the events summed here, and of the omitted sales."""
    ultima_ts: str
    estados: dict[str, Sums]
    """By `estado`; a state without events has no key."""
    fallas: dict[str, int] = {}
    """Injected faults by kind (`include.sales.faults`), each counted in its event's minute."""
    de_mas: dict[str, Sums] = {}
    """Extra rows that Druid holds, by `estado`: duplicates, and garbled copies that it can read."""
    contenido: str = ""
    """`SaleSource.choices` of the run; "" if the publisher does not know them."""
    incidentes: tuple[Incident, ...] = ()
    """All incidents of the run, whether or not they last in this minute."""
    omitidas: int = 0
    """Sales that the incidents prevented, which would have begun in this minute.

    In a live window each of them has an entry of its own, so `primera_ts` is its moment."""


class OmittedSale(NamedTuple):
    """A sale that an incident of its run prevented."""

    corrida: str
    secuencia: int
    ts: str


class LedgerMinutes(NamedTuple):
    """Sums of the ledger for some minutes of event time, over all runs."""

    sums: dict[Cell, Sums]
    """Sums that Druid must hold."""
    in_flight: set[tuple[str, str]]
    """The (run, minute) pairs with recent entries, to which more may still be added."""


class RunProgress(msgspec.Struct, frozen=True):
    """Progress of a run over all its tries: the sum of its committed ledger entries."""

    run: str
    seed: int | None = None
    """None as long as nothing is committed."""
    first: int = 0
    """The first `secuencia` to publish: the start of the shard, or 0 for a whole run."""
    last: int = -1
    """The greatest committed `secuencia`; `first` − 1 if nothing is committed."""
    first_ts: str | None = None
    last_ts: str | None = None
    by_state: dict[str, Sums] = {}
    faults: dict[str, int] = {}
    """Sum of `LedgerEntry.fallas`."""
    extra: dict[str, Sums] = {}
    """Sum of `LedgerEntry.de_mas`."""
    choices: str = ""
    """`LedgerEntry.contenido` of the run."""
    incidents: tuple[Incident, ...] = ()
    """`LedgerEntry.incidentes` of the run."""
    omitted: int = 0
    """Sum of `LedgerEntry.omitidas`."""

    @property
    def total(self) -> Sums:
        return sum(self.by_state.values(), start=Sums())

    @property
    def rows(self) -> int:
        """Number of rows that Druid must hold: the events and the extra rows of faults."""
        return self.total.eventos + sum(sums.eventos for sums in self.extra.values())

    @property
    def sales(self) -> int:
        """Number of sales begun: events in state `pendiente`, in which every sale begins."""
        return self.by_state.get("pendiente", Sums()).eventos

    @property
    def revenue_centavos(self) -> int:
        """Amount of the approved sales, less refunds and chargebacks."""
        states = {"aprobada": 1, "reembolsada": -1, "contracargo": -1}
        return sum(
            sign * self.by_state.get(state, Sums()).importe_centavos
            for state, sign in states.items()
        )

    def plus(self, entry: LedgerEntry) -> "RunProgress":
        """Return the progress with an entry added.

        Raises `ValueError` for an entry of another run, `ResumeMismatchError` for one with another
        seed or other choices.
        """
        if entry.corrida != self.run:
            raise ValueError(f"the entry belongs to run {entry.corrida!r}, not to run {self.run!r}")
        self.check_seed(entry.semilla)
        self.check_choices(entry.contenido)
        return RunProgress(
            run=self.run,
            seed=entry.semilla,
            first=self.first,
            last=max(self.last, entry.hasta),
            first_ts=min(self.first_ts or entry.primera_ts, entry.primera_ts),
            last_ts=max(self.last_ts or entry.ultima_ts, entry.ultima_ts),
            by_state=added(self.by_state, entry.estados),
            faults=dict(Counter(self.faults) + Counter(entry.fallas)),
            extra=added(self.extra, entry.de_mas),
            choices=self.choices or entry.contenido,
            # A later try may have added incidents.
            incidents=max(self.incidents, entry.incidentes, key=len),
            omitted=self.omitted + entry.omitidas,
        )

    def planted(self, incidents: Iterable[Incident]) -> tuple[Incident, ...]:
        """Return the run's incidents, with those of some others that begin after its last event.

        An earlier incident would concern sales that are published already, without it.
        """
        later = (it for it in incidents if it.desde > (self.last_ts or ""))
        return tuple(dict.fromkeys((*self.incidents, *later)))

    def check_seed(self, seed: int) -> None:
        """Raise `ResumeMismatchError` if the run began with another seed: its sales would mix."""
        if self.seed not in (None, seed):
            raise ResumeMismatchError(
                f"run {self.run!r} began with seed {self.seed} and cannot continue with seed "
                f"{seed}: use seed {self.seed}, or start a new run"
            )

    def check_choices(self, choices: str) -> None:
        """Raise `ResumeMismatchError` if the run began with other stores or another day length.

        Sale n would then differ from the sale n that an earlier try sent. An empty text means that
        the choices are unknown, and it matches any others.
        """
        if self.choices and choices and choices != self.choices:
            raise ResumeMismatchError(
                f"run {self.run!r} began with other stores or another seconds_per_day and "
                "cannot continue with these: use the same ones as before, or start a new run"
            )


class KnownRun(NamedTuple):
    """A run of the ledger, without its sums."""

    sales: range
    """From its smallest `secuencia` to its greatest one."""
    garbled: bool
    """Whether the run sent garbled records, as injected faults."""


class LedgerError(StreamError):
    """The ledger of a run is not consistent, so the run's progress is unknown."""


class ResumeMismatchError(StreamError):
    """A run is resumed with another seed, other stores or another day length than it began with."""


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(LedgerEntry)


def encode(entry: LedgerEntry) -> bytes:
    """Return the entry as compact JSON."""
    return _ENCODER.encode(entry)


def decode(data: bytes) -> LedgerEntry:
    """Read an entry's JSON; raises `msgspec.DecodeError` for anything else."""
    return decode_json(_DECODER, data)


def entries_for(
    sales: Sequence[Venta], seed: int, omitted: Sequence[OmittedSale] = ()
) -> tuple[LedgerEntry, ...]:
    """Sum the events of one transaction by minute of event time, in the order of the minutes.

    All events and omitted sales must belong to the same run.
    """
    minutes: dict[str, list[Venta | OmittedSale]] = {}
    numbered: Sequence[Venta | OmittedSale] = [*sales, *omitted]
    for sale in numbered:
        minutes.setdefault(minute_of(sale.ts), []).append(sale)
    return tuple(_entry(minute, minutes[minute], seed) for minute in sorted(minutes))


def minute_of(ts: str) -> str:
    return f"{ts[:_MINUTE_LENGTH]}:00Z"


def read_entries(
    config: Mapping[str, Any],
    ledger_topic: str,
    corrida: str,
    *,
    since: datetime | None = None,
    proven_ends: ProvenEnds | None = None,
    time_limit: float | None = None,
) -> Iterator[LedgerEntry]:
    """Yield the committed entries of a run; the options are as in `read_committed`.

    All partitions are read, not only the partition that the key maps to now: when partitions are
    added, the key may map to another one, and the run's earlier entries stay where they were.

    Raises `LedgerError` for a record under the run's key that is not a ledger entry.
    """
    key = corrida.encode()
    for record in read_committed(
        config, ledger_topic, since=since, proven_ends=proven_ends, time_limit=time_limit
    ):
        if record.key == key:
            yield _entry_in(record, ledger_topic)


def read_sums(
    config: Mapping[str, Any],
    ledger_topic: str,
    corridas: Collection[str],
    *,
    since: datetime | None = None,
) -> dict[Cell, Sums]:
    """Sum the committed entries of some runs: what Druid must hold, as `LedgerMinutes.sums`.

    Raises the errors of `read_entries`.
    """
    sums: dict[Cell, Sums] = {}
    keys = {corrida.encode() for corrida in corridas}
    for record in read_committed(config, ledger_topic, since=since):
        if record.key in keys:
            _add_to(sums, _entry_in(record, ledger_topic))
    return sums


def read_minutes(
    config: Mapping[str, Any],
    ledger_topic: str,
    start: datetime,
    end: datetime,
    *,
    settled: datetime,
    time_limit: float | None = None,
) -> LedgerMinutes:
    """Sum the committed entries of every run, for the minutes from `start` up to `end`.

    An entry counts for its events' minute, even if it was appended much later. A run's minute is
    in flight if one of its entries has a Kafka timestamp of `settled` or later. `time_limit` as in
    `read_committed`.

    Raises `LedgerError` for a record that is not a ledger entry, and the errors of
    `read_committed`.
    """
    first, last = (f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for moment in (start, end))
    sums: dict[Cell, Sums] = {}
    in_flight = set()
    for record in read_committed(
        config, ledger_topic, since=start - CLOCK_SKEW, time_limit=time_limit
    ):
        entry = _entry_in(record, ledger_topic)
        if not first <= entry.minuto < last:
            continue
        if record.timestamp >= settled.timestamp() * 1000:
            in_flight.add((entry.corrida, entry.minuto))
        _add_to(sums, entry)
    return LedgerMinutes(sums, in_flight)


def read_faults(config: Mapping[str, Any], ledger_topic: str, start: datetime) -> dict[str, int]:
    """Count the injected faults of all runs by kind, from the minute of `start` on.

    The sales that incidents prevented are counted as the kind `OMITTED`. Raises the errors of
    `read_minutes`.
    """
    first = f"{start.astimezone(UTC):%Y-%m-%dT%H:%M:00Z}"
    faults: Counter[str] = Counter()
    for record in read_committed(config, ledger_topic, since=start - CLOCK_SKEW):
        entry = _entry_in(record, ledger_topic)
        if entry.minuto >= first:
            faults.update({**entry.fallas, OMITTED: entry.omitidas})
    return dict(+faults)


def known_runs(
    config: Mapping[str, Any],
    ledger_topic: str,
    *,
    since: datetime | None = None,
    time_limit: float | None = None,
) -> dict[str, KnownRun]:
    """Return every run that has committed entries, by its name; no runs if the topic is missing.

    `since`: the caller needs only runs with sales records of this Kafka timestamp or later, so
    older entries are skipped. `time_limit` as in `read_committed`. Records that are not ledger
    entries are skipped.
    """
    if since is not None:
        since -= CLOCK_SKEW
    try:
        records = read_committed(config, ledger_topic, since=since, time_limit=time_limit)
    except TopicMissingError:
        return {}
    runs: dict[str, KnownRun] = {}
    for record in records:
        try:
            entry = decode(record.value or b"")
        except msgspec.DecodeError:
            continue
        sales = range(entry.desde, entry.hasta + 1)
        garbled = any(entry.fallas.get(kind) for kind in GARBLED)
        if known := runs.get(entry.corrida):
            first, stop = min(known.sales.start, sales.start), max(known.sales.stop, sales.stop)
            sales, garbled = range(first, stop), garbled or known.garbled
        runs[entry.corrida] = KnownRun(sales, garbled)
    return runs


def began_at(
    config: Mapping[str, Any],
    ledger_topic: str,
    corridas: Collection[str],
    *,
    since: datetime | None = None,
) -> datetime | None:
    """Return the earliest Kafka timestamp of the entries of some runs; None without entries."""
    keys = {corrida.encode() for corrida in corridas}
    records = read_committed(config, ledger_topic, since=since)
    first = min((record.timestamp for record in records if record.key in keys), default=None)
    return None if first is None else datetime.fromtimestamp(first / 1000, UTC)


def progress_of(
    corrida: str, entries: Iterable[LedgerEntry], shard: range | None = None
) -> RunProgress:
    """Sum a run's entries, in any order; with a `shard`, only the entries of the shard's sales.

    Raises `LedgerError` unless each sale from the first to the last one was begun exactly once, or
    prevented by an incident.
    """
    first = shard.start if shard else 0
    progress = RunProgress(corrida, first=first, last=first - 1)
    for entry in entries:
        if shard is None or entry.desde in shard:
            progress = progress.plus(entry)
    numbered = progress.sales + progress.omitted
    if numbered != progress.last - first + 1:
        raise LedgerError(
            f"the ledger counts {numbered} sales of run {corrida!r}, but their numbers go "
            f"from {first} to {progress.last}: ledger entries were deleted or written twice, so "
            "start a new run"
        )
    return progress


def read_run(
    config: Mapping[str, Any],
    ledger_topic: str,
    corrida: str,
    *,
    since: datetime | None = None,
    shard: range | None = None,
    proven_ends: ProvenEnds | None = None,
    time_limit: float | None = None,
) -> RunProgress:
    """Return the run's progress; raises the errors of `read_entries` and `progress_of`."""
    entries = read_entries(
        config, ledger_topic, corrida, since=since, proven_ends=proven_ends, time_limit=time_limit
    )
    return progress_of(corrida, entries, shard)


def _add_to(sums: dict[Cell, Sums], entry: LedgerEntry) -> None:
    for state, more in (*entry.estados.items(), *entry.de_mas.items()):
        cell = Cell(entry.corrida, entry.minuto, state)
        sums[cell] = sums.get(cell, Sums()) + more


def _entry_in(record: Record, ledger_topic: str) -> LedgerEntry:
    try:
        return decode(record.value or b"")
    except msgspec.DecodeError as error:
        run = (record.key or b"").decode(errors="replace")
        raise LedgerError(
            f"the record at offset {record.offset} of partition {record.partition} of "
            f"{ledger_topic!r} is not a valid ledger entry of run {run!r} ({error}): start a new "
            "run"
        ) from error


def _entry(minute: str, sales: Sequence[Venta | OmittedSale], seed: int) -> LedgerEntry:
    sequences = [sale.secuencia for sale in sales]
    moments = [sale.ts for sale in sales]
    by_state: dict[str, Sums] = {}
    events = [sale for sale in sales if isinstance(sale, Venta)]
    for event in events:
        by_state = added(by_state, {event.estado: sums_of(event)})
    return LedgerEntry(
        corrida=sales[0].corrida,
        semilla=seed,
        desde=min(sequences),
        hasta=max(sequences),
        minuto=minute,
        primera_ts=min(moments),
        ultima_ts=max(moments),
        estados=by_state,
        omitidas=len(sales) - len(events),
    )
