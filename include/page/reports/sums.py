"""The numbers of a day's report, from the rows of its queries and the findings of its looks."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar, get_args

from include.page.events import Rows
from include.page.findings.report import KINDS, Finding, Kind, Report, Severity
from include.page.measures import Measures, measures_by, total, within_64_bits
from include.page.reports.day import (
    Compared,
    DayReport,
    Hour,
    Named,
    Noticed,
    Quality,
    Returns,
    Store,
)

PRODUCTS: Final = 10
"""Most products of the whole day."""

PRODUCTS_OF_STORE: Final = 5
"""Most products of a store's page."""

MOST: Final = 200
"""Most stores, cards or other names in a list: a record may hold any name."""

_SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)

Key = TypeVar("Key", bound=Hashable)


def report_of(
    *,
    start: int,
    end: int,
    hours: Sequence[Rows],
    payments: Rows,
    products: Rows,
    looks: Sequence[Report],
    quality: Quality,
) -> DayReport:
    """Return the report; `hours` has the rows of each day of `DAYS_BEFORE`.

    The other rows are of the report's day, and `looks` are its findings' reports, by time.
    """
    hours_of = [_by_store(rows) for rows in hours]
    payments_of, products_of = _by_store(payments), _by_store(products)
    totals = _compared(hours, _text("sucursal"))
    stores = sorted(totals, key=lambda name: (-totals[name].today.revenue_centavos, name))[:MOST]
    credit = [row for row in payments if row["tipo_pago"] == "credito"]
    return DayReport(
        start=start,
        end=end,
        total=Compared(*(total(measures_by(rows, _hour).values()) for rows in hours)),
        hours=_hours(hours),
        stores=[
            Store(
                name=name,
                total=totals[name],
                hours=_hours([day[name] for day in hours_of]),
                payments=_named(payments_of[name], "tipo_pago"),
                products=_named(products_of[name], "producto", "categoria")[:PRODUCTS_OF_STORE],
            )
            for name in stores
        ],
        payments=_named(payments, "tipo_pago"),
        issuers=[named for named in _named(payments, "emisor", "tipo_pago") if named.name],
        instalments=_named(credit, "cuotas"),
        products=_named(products, "producto", "categoria")[:PRODUCTS],
        returns=_returns(products),
        noticed=_noticed(looks),
        unjudged=[kind for kind in KINDS if looks and all(_lacks(look, kind) for look in looks)],
        quality=quality,
    )


def hours_with_sales(rows: Rows) -> list[int]:
    """Return the local hours with sales, of the rows of a day."""
    found = measures_by(rows, _hour)
    return sorted(hour for hour, measures in found.items() if measures.sales)


def _lacks(look: Report, kind: Kind) -> bool:
    return kind in (missing.kind for missing in look.missing)


def _noticed(looks: Sequence[Report]) -> list[Noticed]:
    """Return each finding once.

    Two looks have the same finding if its kind and subject are equal, and in both it is a rise or a
    fall. Its numbers are those of the look in which they are least likely by chance.
    """
    groups: dict[Hashable, list[tuple[int, Finding]]] = defaultdict(list)
    for look in looks:
        for finding in look.findings:
            # The text of a silent store depends on how long it has been silent.
            text = "" if finding.kind == "store" else finding.text
            groups[finding.kind, text, *sorted(finding.subject.items())].append((look.end, finding))
    found = []
    for group in groups.values():
        at, finding = min(group, key=lambda look: look[1].numbers["p"])
        found.append(
            Noticed(
                kind=finding.kind,
                severity=finding.severity,
                text=finding.text,
                action=finding.action,
                subject=finding.subject,
                numbers=finding.numbers,
                first=group[0][0],
                last=group[-1][0],
                at=at,
            )
        )
    return sorted(found, key=lambda it: (_SEVERITIES.index(it.severity), it.numbers["p"]))


def _compared(days: Sequence[Rows], key: Callable[[Mapping[str, Any]], Key]) -> dict[Key, Compared]:
    found = [measures_by(rows, key) for rows in days]
    names = {name: None for day in found for name in day}
    return {name: Compared(*(day.get(name, Measures()) for day in found)) for name in names}


def _hours(days: Sequence[Rows]) -> list[Hour]:
    """Return every hour from the first to the last one with events on any of the days."""
    found = _compared(days, _hour)
    if not found:
        return []
    return [Hour(h, found.get(h, Compared())) for h in range(min(found), max(found) + 1)]


def _named(rows: Iterable[Mapping[str, Any]], column: str, of: str | None = None) -> list[Named]:
    """Return the measures of each value of a column, the most revenue first."""
    key, above = _text(column), _text(of) if of else lambda _: ""
    found = measures_by(rows, lambda row: (key(row), above(row)))
    all_named = [Named(name, measures, group) for (name, group), measures in found.items()]
    return sorted(all_named, key=lambda it: (-it.measures.revenue_centavos, it.name, it.of))[:MOST]


def _returns(rows: Rows) -> list[Returns]:
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    places = {"reembolsada": 0, "contracargo": 2}
    for row in rows:
        if row["estado"] in places:
            place = places[row["estado"]]
            sums_of = sums[_text("categoria")(row)]
            sums_of[place] += row["events"]
            sums_of[place + 1] = within_64_bits(sums_of[place + 1] + (row["amount"] or 0))
    found = [Returns(category, *numbers) for category, numbers in sums.items()]
    found.sort(key=lambda it: (-it.refunded_centavos - it.charged_back_centavos, it.category))
    return found[:MOST]


def _by_store(rows: Rows) -> Mapping[str, Rows]:
    """Return the rows of each store; [] for a store that has none."""
    found: dict[str, Rows] = defaultdict(list)
    for row in rows:
        found[_text("sucursal")(row)].append(row)
    return found


def _hour(row: Mapping[str, Any]) -> int:
    return int(row["hora"])


def _text(column: str) -> Callable[[Mapping[str, Any]], str]:
    def text(row: Mapping[str, Any]) -> str:
        value = row[column]
        return "" if value is None else str(value)

    return text
