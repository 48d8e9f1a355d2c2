"""Comparison of Druid with the ledger, minute by minute: the sums must be equal, not similar."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import msgspec

from include.druid.checks import CheckResult, Status
from include.druid.client import DatasourceMissingError, DruidClient
from include.druid.queries import SQL, read_query
from include.sales.sums import Cell, Sums
from include.texts import escaped, text

NAME = "ledger"

#: How long to wait before a minute is judged, after its end and after its last ledger entry: by
#: then Druid has the committed records.
GRACE = timedelta(seconds=20)

_SHOWN = 3

_LONGEST = 80
"""Characters shown of each name: run, minute and state."""


def closed_minutes(now: datetime, lookback: timedelta) -> tuple[datetime, datetime]:
    """Return start and end (not included) of the minutes to judge, both on a full minute."""
    end = (now - GRACE).replace(second=0, microsecond=0)
    start = (now - lookback).replace(second=0, microsecond=0)
    return start, max(start, end)


def druid_minutes(
    client: DruidClient,
    datasource: str,
    start: datetime,
    end: datetime,
    *,
    timeout: float = 60.0,
) -> dict[Cell, Sums]:
    """Return Druid's sums of the minutes from `start` up to `end`; {} without the datasource.

    A row whose run or state is a list counts in the cell of each of its values. `timeout` is in
    seconds.

    Raises:
        DruidError: Druid does not answer, or refuses.
    """
    bounds = [int(moment.timestamp() * 1000) for moment in (start, end)]
    try:
        rows = client.sql(
            read_query(SQL / "ledger" / "minutes.sql", datasource), bounds, timeout=timeout
        )
    except DatasourceMissingError:
        rows = []
    cells: dict[Cell, Sums] = {}
    for row in rows:
        # An empty list, which a foreign record may have as its state, comes back as null.
        cell = Cell(*(row[name] or "" for name in Cell._fields))
        found = Sums(*(row[name] or 0 for name in Sums.__struct_fields__))
        cells[cell] = cells.get(cell, Sums()) + found
    return cells


def differences(
    ledger: Mapping[Cell, Sums], druid: Mapping[Cell, Sums]
) -> list[tuple[Cell, Sums | None, Sums | None]]:
    """Return each cell that differs, in order, with the ledger's sums and Druid's sums.

    None means that the ledger, or Druid, does not have the cell.
    """
    return [
        (cell, ledger.get(cell), druid.get(cell))
        for cell in sorted({**ledger, **druid})
        if ledger.get(cell) != druid.get(cell)
    ]


def compare(
    ledger: Mapping[Cell, Sums],
    druid: Mapping[Cell, Sums],
    in_flight: Collection[tuple[str, str]] = (),
) -> CheckResult:
    """Compare Druid's sums of some minutes with the ledger's.

    `in_flight`: each (run, minute) that still receives events and is not judged.
    """
    ledger, druid = (
        {cell: sums for cell, sums in side.items() if cell[:2] not in in_flight}
        for side in (ledger, druid)
    )
    wrong = differences(ledger, druid)
    numbers = {
        "minutos": len({cell.minuto for cell in ledger}),
        "corridas": len({cell.corrida for cell in ledger}),
        "eventos_libro": sum(sums.eventos for sums in ledger.values()),
        "eventos_druid": sum(sums.eventos for sums in druid.values()),
        "diferencias": len(wrong),
        "en_curso": len(in_flight),
    }
    if wrong:
        shown = [_difference_text(*difference) for difference in wrong[:_SHOWN]]
        if len(wrong) > _SHOWN:
            shown.append(text("ledger.more", count=len(wrong) - _SHOWN))
        message = text(
            "ledger.differs",
            differences="; ".join(shown),
            in_ledger=numbers["eventos_libro"],
            in_druid=numbers["eventos_druid"],
        )
        return result("error", message, numbers)
    if not ledger:
        return result("skipped", text("ledger.nothing_closed"), numbers)
    message = ", ".join(f"{name} = {value}" for name, value in numbers.items() if value)
    return result("ok", message, numbers)


def result(status: Status, message: str, numbers: Mapping[str, int] | None = None) -> CheckResult:
    return CheckResult(NAME, text("ledger.title"), "error", status, dict(numbers or {}), message)


def _difference_text(cell: Cell, ledger: Sums | None, druid: Sums | None) -> str:
    # A foreign record may have any text as its run and its state.
    where = ", ".join(escaped(name, _LONGEST) for name in cell)
    if ledger is None:
        return text("ledger.not_in_ledger", cell=where, events=druid.eventos if druid else 0)
    if druid is None:
        return text("ledger.not_in_druid", cell=where, events=ledger.eventos)
    sides = [msgspec.structs.astuple(side) for side in (druid, ledger)]
    pairs = zip(Sums.__struct_fields__, *sides, strict=True)
    differing = [
        text("ledger.instead", name=name, has=has, says=says)
        for name, has, says in pairs
        if has != says
    ]
    return f"{where}: {', '.join(differing)}"
