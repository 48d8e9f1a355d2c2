"""Find what is unusual in the sales, from the rows of the queries; on usual days, find nothing.

Every judged value is a share, `k` of `n`, of the last minutes. It is compared with the same share
in earlier windows (`windows.py`), by the beta-binomial distribution of `usual.py`:

- approval: the approved share of the decided sales of a payment type or issuer fell, in an hour;
  compared with the hours of the last day, and with this hour of earlier days;
- product: its share of all sales rose or fell, in 15, 60 or 180 minutes; compared, as the next two
  kinds, with the same minutes of earlier days of this kind (weekday, Saturday, Sunday);
- store: its share of all sales is zero, in 15, 60 or 180 minutes. If no store sells at all, none is
  blamed, and a store that is usually closed at this time is not expected to sell;
- returns: the share of a category in all refunds, or in all chargebacks, rose, in 180 minutes;
- promotion: the share of discounted sales of a payment type or issuer rose, in 180 minutes;
  compared with the same minutes of earlier days, this weekday among them, because many promotions
  belong to a weekday. If it rose, its shares of all sales and of the revenue are compared too.

A look makes about 2,600 comparisons. On usual days the chance that it finds anything is at
most `LEVEL`, divided equally among the kinds, and within each kind by Holm's procedure. Looks a
minute apart see almost the same sales; docs/findings.md has the simulated chance for a whole day.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Final, NamedTuple, get_args

import numpy as np

from include.page.clean_values import clean
from include.page.findings.baseline import holm
from include.page.findings.report import Finding, Kind, Missing, Query, Report, Severity
from include.page.findings.shares import SURE, Shares, drop_explained
from include.page.findings.tables import Row, Table, named, tabulate
from include.page.findings.windows import (
    DAYS,
    FEWEST,
    HOURS,
    RECENT,
    STRETCHES,
    same_kind,
    same_weekday,
)
from include.sales.local_time import epoch_ms
from include.sales.random_numbers import Floats, Ints

log = logging.getLogger(__name__)

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

LEVEL: Final = 1e-3
"""Highest chance of any finding in a look at usual sales."""

GRAVE: Final = 0.10
"""Fall of the approved share that makes a finding severe."""

_LONGEST: Final = STRETCHES[-1]
_RETURNS: Final = {"reembolsada": "reembolsadas", "contracargo": "contracargos"}
_SOLD: Final = tuple(f"ventas_{minutes}" for minutes in STRETCHES)
_ORDER: Final[tuple[Severity, ...]] = get_args(Severity)

Way = tuple[str, str]
"""A payment type with an issuer, or with "" for all its issuers."""


class _Judged(NamedTuple):
    kind: Kind
    findings: list[Finding]
    tests: int


def judge(rows: Mapping[Query, Iterable[Row]], now: datetime) -> Report:
    """Judge the rows of ``findings/payments.sql`` and, by column, of ``findings/goods.sql``.

    A kind whose query is not in `rows`, or whose judging fails, is reported as missing; the other
    kinds are judged.
    """
    tables = _Tables(rows, now)
    judged = [_judged(kind, tables) for kind in _JUDGES]
    made = [found for found in judged if isinstance(found, _Judged)]
    return Report(
        end=epoch_ms(now),
        sales=_sales(tables),
        tests={found.kind: found.tests for found in made},
        level=LEVEL,
        findings=sorted(
            (finding for found in made for finding in found.findings),
            key=lambda finding: (_ORDER.index(finding.severity), finding.numbers["p"]),
        ),
        missing=[found for found in judged if isinstance(found, Missing)],
    )


class _Tables:
    """Tables of the rows, each computed when it is first needed."""

    def __init__(self, rows: Mapping[Query, Iterable[Row]], now: datetime) -> None:
        self.rows = rows
        self.hours = (*range(RECENT), *(24 * day + hour for day in DAYS for hour in range(HOURS)))
        self._now = now

    @cached_property
    def ways(self) -> Table[Way]:
        return tabulate(
            self.rows["payments"],
            lambda row: (str(clean(row["tipo_pago"])), str(clean(row["emisor"]))),
            lambda row: int(row["hora"]),
            self.hours,
            ("ventas", "con_descuento", "aprobadas", "rechazadas", "ingresos", "descuentos"),
        )

    @cached_property
    def sold(self) -> list[int]:
        return _sold(self.ways, self.hours)

    @cached_property
    def kind_days(self) -> list[int]:
        return same_kind(self._now, self.sold)

    @cached_property
    def products(self) -> Table[str]:
        return named(_by_day(self.rows["products"], _SOLD, self.kind_days))

    @cached_property
    def categories(self) -> Table[str]:
        columns = tuple(_RETURNS.values())
        return named(_by_day(self.rows["categories"], columns, self.kind_days))

    @cached_property
    def stores(self) -> Table[str]:
        """Sales by store; sales without a store are under the name ""."""
        return _by_day(self.rows["stores"], (*_SOLD, "ultima"), self.kind_days)

    @cached_property
    def sales(self) -> dict[int, Ints]:
        cells = self.stores.cells
        return {minutes: cells[f"ventas_{minutes}"].sum(axis=0) for minutes in STRETCHES}


def _judged(kind: Kind, tables: _Tables) -> _Judged | Missing:
    if not _answered(kind, tables.rows):
        return Missing(kind, "error")
    try:
        return _JUDGES[kind](tables)
    except Exception:
        log.exception("The findings of kind %r cannot be judged", kind)
        return Missing(kind, "error")


def _sales(tables: _Tables) -> int | None:
    """Return the sales of the last hour; None if the stores' rows cannot be read."""
    if not _answered("store", tables.rows):
        return None
    try:
        return int(tables.sales[60][0])
    except Exception:
        log.exception("The sales of the last hour cannot be counted")
        return None


def _answered(kind: Kind, rows: Mapping[Query, Iterable[Row]]) -> bool:
    """Return whether every query that a kind needs was answered."""
    return {"payments", *_NEEDS[kind]} <= rows.keys()


def _sold(ways: Table[Way], hours: Sequence[int]) -> list[int]:
    """Return the earlier days that had sales in each hour that has sales now.

    On the other days the stream stood still for a part of the time, so their sums are too low.
    """
    sales = ways.cells["ventas"].sum(axis=0) > 0
    now = [hour for hour in range(HOURS) if sales[hours.index(hour)]]
    return [day for day in DAYS if now and all(sales[hours.index(24 * day + hour)] for hour in now)]


def _by_day(rows: Iterable[Row], columns: Sequence[str], days: Sequence[int]) -> Table[str]:
    return tabulate(
        rows,
        lambda row: str(clean(row["nombre"])),
        lambda row: int(row["dia"]),
        (0, *days),
        columns,
    )


def _believed(p: Floats) -> list[int]:
    return holm(p, LEVEL / len(KINDS))


def _approval(tables: _Tables) -> _Judged | Missing:
    ways, hours = tables.ways, tables.hours
    compared = [*range(RECENT), *(24 * day for day in DAYS)]
    columns = [hours.index(hour) for hour in compared]
    cells = {name: cell[:, columns] for name, cell in ways.cells.items()}
    approved = cells["aprobadas"]
    names, rows = _with_types(ways.names)
    k = _summed(approved, rows)
    n = k + _summed(cells["rechazadas"], rows)
    windows = int((n[:, 1:].sum(axis=0) > 0).sum())
    if windows < FEWEST:
        return Missing("approval", "hours", windows, FEWEST)
    shares = Shares(k, n)
    p = shares.tails(low=True)
    parents = [_type_of(names, name) for name in names]
    income = _summed(cells["ingresos"], rows).sum(axis=1)
    findings = []
    for i in drop_explained(_believed(p), parents, shares, low=True):
        numbers = shares.numbers(i, float(p[i]), 60)
        lost = numbers["expected"] - numbers["k"]
        fall = numbers["usual"] - numbers["share"]
        findings.append(
            Finding(
                kind="approval",
                severity="high" if fall >= GRAVE else "medium",
                text="issuer" if names[i][1] else "type",
                action="issuer" if names[i][1] else "type",
                subject=_filters(names[i]),
                numbers={
                    **numbers,
                    "lost": lost,
                    "lost_centavos": lost * float(income[i]) / max(int(k[i].sum()), 1),
                },
                query="payments",
            )
        )
    return _Judged("approval", findings, len(names))


def _products(tables: _Tables) -> _Judged | Missing:
    if not tables.kind_days:
        return Missing("product", "kind")
    products, sales = tables.products, tables.sales
    by_stretch = [Shares.of_all(products.cells[f"ventas_{m}"], sales[m]) for m in STRETCHES]
    p = np.array([[s.tails(low=low) for low in (False, True)] for s in by_stretch])
    findings: dict[int, Finding] = {}
    for place in _believed(p.ravel()):
        stretch, falls, i = (int(at) for at in np.unravel_index(place, p.shape))
        found = Finding(
            kind="product",
            severity="medium" if falls else "info",
            text="down" if falls else "up",
            action="down" if falls else "up",
            subject={"producto": products.names[i]},
            numbers=by_stretch[stretch].numbers(i, float(p.flat[place]), STRETCHES[stretch]),
            query="products",
        )
        findings.setdefault(i, found)
    return _Judged("product", list(findings.values()), p.size)


def _stores(tables: _Tables) -> _Judged | Missing:
    if not tables.kind_days:
        return Missing("store", "kind")
    stores, sales = named(tables.stores), tables.sales
    by_stretch = [Shares.of_all(stores.cells[f"ventas_{m}"], sales[m]) for m in STRETCHES]
    p = np.array([np.where(s.k[:, 0] == 0, s.tails(low=True), 1.0) for s in by_stretch])
    findings: dict[int, Finding] = {}
    for place in _believed(p.ravel()):
        stretch, i = (int(at) for at in np.unravel_index(place, p.shape))
        last = int(stores.cells["ultima"][i, 0])
        numbers = by_stretch[stretch].numbers(i, float(p.flat[place]), STRETCHES[stretch])
        found = Finding(
            kind="store",
            severity="high",
            text="since" if last else "silent",
            action="silent",
            subject={"sucursal": stores.names[i]},
            numbers={**numbers, "last": last},
            query="stores",
        )
        findings.setdefault(i, found)
    return _Judged("store", list(findings.values()), p.size)


def _promotions(tables: _Tables) -> _Judged | Missing:
    ways, hours, days = tables.ways, tables.hours, tables.sold
    if not same_weekday(days):
        return Missing("promotion", "weekday")
    starts = [0, *(24 * day for day in days)]
    columns = [[hours.index(start + hour) for hour in range(HOURS)] for start in starts]
    cells = {name: cell[:, columns].sum(axis=2) for name, cell in ways.cells.items()}
    names, rows = _with_types(ways.names)
    sums = {name: _summed(cell, rows) for name, cell in cells.items()}
    shares = Shares(sums["con_descuento"], sums["ventas"])
    of_all = Shares.of_all(sums["ventas"], cells["ventas"].sum(axis=0))
    income_of_all = np.divide(
        sums["ingresos"],
        cells["ingresos"].sum(axis=0),
        out=np.zeros(shares.k.shape),
        where=cells["ingresos"].sum(axis=0) > 0,
    )
    p, p_more = shares.tails(low=False), of_all.tails(low=False)
    parents = [_type_of(names, name) for name in names]
    findings = []
    for i in drop_explained(_believed(p), parents, shares, low=False):
        sold = of_all.numbers(i, float(p_more[i]), _LONGEST)
        more_sales = bool(p_more[i] <= SURE)
        more_income = bool(income_of_all[i, 0] > income_of_all[i, 1:].max())
        verdict = "same" if not more_sales else "more" if more_income else "eaten"
        findings.append(
            Finding(
                kind="promotion",
                severity="info" if verdict == "more" else "medium",
                text=verdict,
                action=verdict,
                subject=_filters(names[i]),
                numbers={
                    **shares.numbers(i, float(p[i]), _LONGEST),
                    "given_centavos": int(sums["descuentos"][i, 0]),
                    "income_centavos": int(sums["ingresos"][i, 0]),
                    "income_share": float(income_of_all[i, 0]),
                    "income_usual": float(
                        sums["ingresos"][i, 1:].sum() / max(int(cells["ingresos"][:, 1:].sum()), 1)
                    ),
                    "income_most": float(income_of_all[i, 1:].max()),
                    **{f"sales_{name}": sold[name] for name in ("share", "usual", "low", "high")},
                    "sales_p": sold["p"],
                },
                query="payments",
            )
        )
    return _Judged("promotion", findings, len(names))


def _returns(tables: _Tables) -> _Judged | Missing:
    if not tables.kind_days:
        return Missing("returns", "kind")
    categories = tables.categories
    names = [(state, name) for state in _RETURNS for name in categories.names]
    counts = [Shares.of_all(array, array.sum(axis=0)) for array in categories.cells.values()]
    shares = Shares(*(np.concatenate(column) for column in zip(*counts, strict=True)))
    p = shares.tails(low=False)
    findings = []
    for i in _believed(p):
        state, name = names[i]
        findings.append(
            Finding(
                kind="returns",
                severity="high" if state == "contracargo" else "medium",
                text=state,
                action=state,
                subject={"categoria": name},
                numbers=shares.numbers(i, float(p[i]), _LONGEST),
                query="categories",
            )
        )
    return _Judged("returns", findings, len(names))


def _with_types(ways: Sequence[Way]) -> tuple[list[Way], list[list[int]]]:
    """Return each payment type and each pair of type and issuer, with the rows that belong to it.

    Sales without a payment type belong to none of them.
    """
    types = list(dict.fromkeys((kind, "") for kind, _ in ways if kind))
    names = [*types, *(way for way in ways if all(way))]
    rows = [
        [row for row, way in enumerate(ways) if way == name or (way[0], "") == name]
        for name in names
    ]
    return names, rows


def _type_of(names: Sequence[Way], name: Way) -> int | None:
    return names.index((name[0], "")) if name[1] else None


def _summed(cells: Ints, rows: Sequence[Sequence[int]]) -> Ints:
    """Sum the rows of each subject, as an array (subjects, windows)."""
    if not rows:
        return np.zeros((0, cells.shape[1]), dtype=np.int64)
    return np.array([cells[list(some)].sum(axis=0) for some in rows])


def _filters(way: Way) -> dict[str, str]:
    kind, issuer = way
    return {"pago": kind, "emisor": issuer} if issuer else {"pago": kind}


#: Queries that a kind needs in addition to "payments", which shows the days that had sales.
_NEEDS: Final[Mapping[Kind, tuple[Query, ...]]] = {
    "approval": (),
    "product": ("products", "stores"),
    "store": ("stores",),
    "promotion": (),
    "returns": ("categories",),
}

_JUDGES: Final[Mapping[Kind, Callable[[_Tables], _Judged | Missing]]] = {
    "approval": _approval,
    "product": _products,
    "store": _stores,
    "returns": _returns,
    "promotion": _promotions,
}
