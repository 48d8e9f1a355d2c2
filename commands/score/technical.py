"""Score the validation: damage a run's records, and judge them by the checks' SQL and bounds.

The faults that a run can inject come from `include.sales.faults`, and the score hides them from the
checks as if nobody had announced them; the other faults are SQL that changes records. All last from
the beginning on. The validation runs every five minutes and looks an hour back, as its DAG does.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any, Final, NamedTuple, cast

import msgspec

from commands.score.cases import Cases, Score
from commands.score.local_druid import LocalDruid
from include.druid.check_file import Check
from include.druid.checks import evaluate, load_checks
from include.druid.client import DruidClient
from include.druid.ledger import NAME as LEDGER
from include.druid.ledger import closed_minutes, compare, druid_minutes
from include.names import MAXIMUM_GAP, MINIMUM_GAP
from include.sales.content import SaleSource
from include.sales.event import Venta, encode
from include.sales.faults import COPY, FaultRates, Faults
from include.sales.local_time import epoch_ms, moment_of
from include.sales.market import Market
from include.sales.pace import gap_seconds
from include.sales.sums import Cell, Sums, sums_of
from include.stream.injection import Transaction, columns_of, inject
from include.stream.ledger import LedgerEntry

BEGINS: Final = datetime(2026, 9, 29, 15, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
LOOKBACK_MINUTES: Final = 60
EVERY_MINUTES: Final = 5

_PERCENT: Final[Mapping[str, float]] = {"rafaga": 50, "silencio": 2}
"""Rate of an injected fault that has another than `_USUAL_PERCENT`."""
_USUAL_PERCENT: Final = 2.0
_INJECTED: Final = {field.name for field in fields(FaultRates)}
_DATASOURCE: Final = "ventas"


class _Run(NamedTuple):
    """A run's records as Druid receives them, and what the ledger says of it."""

    records: list[tuple[int, dict[str, Any]]]
    ledger: dict[Cell, Sums]
    announced: Counter[str]
    """Injected faults by kind."""


def score_faults(
    market: Market, seed: int, cases: Cases, scores: Mapping[str, Score]
) -> Iterator[str]:
    """Add a seed's faults to their scores; yield each fault before it is scored."""
    if not cases:
        return
    source = SaleSource(market, seed, corrida="puntaje")
    clean = _run(source, BEGINS - HOUR, FaultRates())
    druid = LocalDruid()
    for kind, case in cases.items():
        yield kind
        score, run = scores[kind], clean
        if kind in _INJECTED:
            rates = FaultRates(**{kind: _PERCENT.get(kind, _USUAL_PERCENT)})
            run = _run(source, BEGINS, rates)
        druid.load(run.records)
        if case["sql"]:
            druid.change(case["sql"], semilla=seed, desde=epoch_ms(BEGINS))
        score.runs += 1
        score.centavos.append(druid.revenue() - _revenue(run.ledger))
        expected = case["chequeos"].split("|") if score.judged else [*_checks(), LEDGER]
        for minutes in range(EVERY_MINUTES, LOOKBACK_MINUTES + 1, EVERY_MINUTES):
            druid.now = epoch_ms(BEGINS + timedelta(minutes=minutes))
            failed = _failed(druid, run, expected)
            if not score.judged:
                score.false += [f"{seed}: {name}" for name in failed]
            elif failed:
                score.found += 1
                score.minutes.append(minutes)
                break
        if kind in _INJECTED:
            druid.now = epoch_ms(BEGINS + HOUR)
            failed = _failed(druid, run, _checks(), run.announced)
            score.false += [f"{seed}: {name}" for name in failed]


def _run(source: SaleSource, begins: datetime, rates: FaultRates) -> _Run:
    """Return the records of a run with the default gaps, until an hour after the beginning."""
    faults = Faults(source.seed, rates)
    sent: list[tuple[int, Venta]] = []
    due, end = begins, BEGINS + HOUR
    for n in count():
        due += timedelta(
            seconds=faults.gap(n, gap_seconds(source.seed, n, MINIMUM_GAP, MAXIMUM_GAP))
        )
        if due >= end:
            break
        shift = faults.shift(n)
        chain = source.chain(n, due - timedelta(milliseconds=shift))
        sent += [(_ms(event.ts) + shift, event) for event in chain]
    sent = sorted((it for it in sent if it[0] < epoch_ms(end)), key=lambda it: it[0])
    events = [event for _, event in sent]
    ledger: dict[Cell, Sums] = {}
    for event in events:
        cell = Cell(event.corrida, _minute(event.ts), event.estado)
        ledger[cell] = ledger.get(cell, Sums()) + sums_of(event)
    entries = [
        LedgerEntry(source.corrida, source.seed, 0, 0, minute, minute, minute, {})
        for minute in {cell.minuto for cell in ledger}
    ]
    clean = Transaction([it.id_venta for it in events], [encode(it) for it in events], entries)
    faulty = inject(faults, columns_of(events), clean)
    moments = {event.id_evento: moment for moment, event in sent}
    announced = sum((Counter(entry.fallas) for entry in faulty.entries), Counter[str]())
    return _Run(list(_rows(faulty.values, moments)), ledger, announced)


def _rows(
    values: Iterable[bytes], moments: Mapping[str, int]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows that Druid makes of the records, with the moment when each was sent."""
    for value in values:
        try:
            row = msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if "ts" in row:
            row["__time"] = _ms(row["ts"])
            if not isinstance(row["cantidad"], int):
                row["cantidad"] = None
            yield moments[row["id_evento"].removesuffix(COPY)], row


def _failed(
    druid: LocalDruid, run: _Run, names: Collection[str], announced: Mapping[str, int] | None = None
) -> list[str]:
    """Return the named checks that fail now, if the ledger announces these faults."""
    failed = []
    for name, check in _checks().items():
        if name in names:
            [row] = druid.sql(*check.statement(_DATASOURCE, LOOKBACK_MINUTES))
            if evaluate(check, row, announced).status in ("error", "warning"):
                failed.append(name)
    if LEDGER in names:
        start, end = closed_minutes(moment_of(druid.now), HOUR)
        first, stop = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (start, end))
        closed = {cell: it for cell, it in run.ledger.items() if first <= cell.minuto < stop}
        held = druid_minutes(cast(DruidClient, druid), _DATASOURCE, start, end)
        if compare(closed, held).status == "error":
            failed.append(LEDGER)
    return failed


@cache
def _checks() -> dict[str, Check]:
    """Return the checks of the sales by name; the others ask Druid about itself."""
    return {it.name: it for it in load_checks() if it.sql and "sys.tasks" not in it.sql}


def _revenue(sums: Mapping[Cell, Sums]) -> int:
    return sum(it.importe_centavos for cell, it in sums.items() if cell.estado == "aprobada")


def _ms(ts: str) -> int:
    return epoch_ms(datetime.fromisoformat(ts))


def _minute(ts: str) -> str:
    return f"{ts[: len('2026-11-24T12:00')]}:00Z"
