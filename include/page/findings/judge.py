"""Find what is unusual in the sales, from the rows of the queries; on usual days, find nothing.

Every judged value is a share, `k` of `n`, of the last minutes. It is compared with the same share
in earlier windows (`windows.py`), by the beta-binomial distribution of `baseline.py`:

- approval: the approved share of the decided sales of a payment type or issuer fell, in an hour;
  compared with the hours of the last day, and with this hour of earlier days;
- product: the share of a product or category in all sales rose or fell, in 15, 60 or 180 minutes;
  compared with the same minutes of earlier days of this kind (weekday, Saturday, Sunday) that have
  the same holiday or event, such as CyberMonday, or none as today. A season's sales are expected;
- store: the share of a store or platform in all sales is zero, in 15, 60 or 180 minutes; compared,
  as the next kind, with the same minutes of earlier days of this kind. If no store sells at all,
  none is blamed, and a store that is usually closed at this time is not expected to sell;
- returns: the share of a category in all refunds, or in all chargebacks, rose, in 180 minutes; or
  its chargebacks rose in proportion to its sales, and their share is at least unlikely;
- promotion: the share of discounted sales of a payment type or issuer rose, in 180 minutes;
  compared with the same minutes of earlier days, this weekday among them, because many promotions
  belong to a weekday. If it rose, its shares of all sales and of the revenue are compared too;
- volume: all sales of the hour fell, in proportion to what the calendar lets expect (weekday,
  hour, holiday, event), compared with this hour of earlier days of this kind. The calendar counts
  only if sales have this curve: there must also be fewer sales than on each of these days.

A look makes about 2,800 comparisons. On usual days the chance that it finds anything is at
most `LEVEL`, divided equally among the kinds, and within each kind by Holm's procedure. Looks a
minute apart see almost the same sales; docs/findings.md has the simulated chance for a whole day.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final, NamedTuple, get_args

import numpy as np

from include.page.clean_values import clean
from include.page.findings.baseline import holm
from include.page.findings.calendar import Calendar
from include.page.findings.report import Finding, Kind, Missing, Query, Report, Severity
from include.page.findings.shares import SURE, Shares, drop_explained
from include.page.findings.tables import Coded, Columns, Table, coded, named
from include.page.findings.windows import (
    DAY_MS,
    DAYS,
    FEWEST,
    HOURS,
    RECENT,
    STRETCHES,
    same_kind,
    same_weekday,
)
from include.sales.local_time import day_of, epoch_ms, hours_of, moment_of
from include.sales.random_numbers import Floats, Ints

log = logging.getLogger(__name__)

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

LEVEL: Final = 1e-3
"""Highest chance of any finding in a look at usual sales."""

GRAVE: Final = 0.10
"""Fall of the approved share that makes a finding severe."""

FEWER: Final = 0.1
"""Least part by which the hour's sales must be below those of each earlier day, to be unusual."""

_LONGEST: Final = STRETCHES[-1]
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_CHANCES: Final = 100
"""Chances of a sale for each sale in the largest hour: with many, a count of sales is the share of
the chances that became one, and varies as a Poisson number does."""
_RETURNS: Final = {"reembolsada": "reembolsadas", "contracargo": "contracargos"}
_SUMMED: Final = (
    *("ventas", "con_descuento", "rellenas"),
    *("aprobadas", "rechazadas", "ingresos", "descuentos"),
)
_SOLD: Final = tuple(f"ventas_{minutes}" for minutes in STRETCHES)
_ORDER: Final[tuple[Severity, ...]] = get_args(Severity)

Way = tuple[str, str]
"""A payment type with an issuer, or with "" for all its issuers."""


class _Judged(NamedTuple):
    kind: Kind
    findings: list[Finding]
    tests: int


def judge(rows: Mapping[Query, Columns], now: datetime) -> Report:
    """Judge the rows of the queries of ``page/sql/findings/``.

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

    def __init__(self, rows: Mapping[Query, Columns], now: datetime) -> None:
        self.rows = rows
        self.hours = (*range(RECENT), *(24 * day + hour for day in DAYS for hour in range(HOURS)))
        self.now = now
        self._coded: dict[Query, Coded[str]] = {}
        self._by_day: dict[tuple[Query, Sequence[str], tuple[int, ...]], Table[str]] = {}

    @cached_property
    def ways(self) -> Table[Way]:
        rows = self.rows["payments"]
        values = zip(rows["tipo_pago"], rows["emisor"], strict=True)
        return coded(rows, values, "hora", _way).table(self.hours, _SUMMED)

    @cached_property
    def sold(self) -> list[int]:
        return _sold(self.ways, self.hours)

    @cached_property
    def kind_days(self) -> list[int]:
        return same_kind(self.now, self.sold)

    @cached_property
    def like_days(self) -> list[int]:
        """Days of today's kind that have the same holiday or events."""
        return same_kind(self.now, self.sold, Calendar.known().kind)

    def goods(self, query: Query) -> Table[str]:
        return named(self._table(query, _SOLD, self.like_days))

    @cached_property
    def categories(self) -> Table[str]:
        columns = (*_RETURNS.values(), f"ventas_{_LONGEST}")
        return named(self._table("categories", columns, self.kind_days))

    def places(self, query: Query, days: Sequence[int]) -> Table[str]:
        """Sales by store or platform; sales without one are under the name ""."""
        return self._table(query, (*_SOLD, "ultima"), days)

    def sales(self, days: Sequence[int]) -> dict[int, Ints]:
        """Return all sales of each stretch, today and on some days."""
        cells = self.places("stores", days).cells
        return {minutes: cells[f"ventas_{minutes}"].sum(axis=0) for minutes in STRETCHES}

    def _table(self, query: Query, columns: Sequence[str], days: Sequence[int]) -> Table[str]:
        """Sum the rows of today and of some days; it is computed once for all kinds."""
        key = (query, columns, tuple(days))
        if key not in self._by_day:
            if query not in self._coded:
                rows = self.rows[query]
                self._coded[query] = coded(rows, rows["nombre"], "dia", _name)
            self._by_day[key] = self._coded[query].table((0, *days), columns)
        return self._by_day[key]


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
    if "stores" not in tables.rows:
        return None
    try:
        return int(tables.sales([])[60][0])
    except Exception:
        log.exception("The sales of the last hour cannot be counted")
        return None


def _answered(kind: Kind, rows: Mapping[Query, Columns]) -> bool:
    """Return whether every query that a kind needs was answered."""
    return {"payments", *_NEEDS[kind]} <= rows.keys()


def _sold(ways: Table[Way], hours: Sequence[int]) -> list[int]:
    """Return the earlier days that had sales in each hour that has sales now.

    On the other days the stream stood still for a part of the time, so their sums are too low.
    """
    sales = ways.cells["ventas"].sum(axis=0) > 0
    now = [hour for hour in range(HOURS) if sales[hours.index(hour)]]
    return [day for day in DAYS if now and all(sales[hours.index(24 * day + hour)] for hour in now)]


def _name(value: object) -> str:
    return "" if value is None else str(clean(value))


def _way(value: tuple[object, object]) -> Way:
    return _name(value[0]), _name(value[1])


def _believed(p: Floats, families: int = 1) -> list[int]:
    """Return the tests of a kind that are significant, or of one of its families of tests."""
    return holm(p, LEVEL / len(KINDS) / families)


def _approval(tables: _Tables) -> _Judged | Missing:
    ways, hours = tables.ways, tables.hours
    compared = [*range(RECENT), *(24 * day for day in DAYS)]
    columns = [hours.index(hour) for hour in compared]
    names, member = _with_types(ways.names)
    k, rejected, income = (
        member @ ways.cells[name][:, columns] for name in ("aprobadas", "rechazadas", "ingresos")
    )
    n = k + rejected
    windows = int((n[:, 1:].sum(axis=0) > 0).sum())
    if windows < FEWEST:
        return Missing("approval", "hours", windows, FEWEST)
    shares = Shares(k, n)
    p = shares.tails(low=True, most=LEVEL)
    parents = [_type_of(names, name) for name in names]
    revenue = income.sum(axis=1)
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
                    "lost_centavos": lost * float(revenue[i]) / max(int(k[i].sum()), 1),
                },
                query="payments",
            )
        )
    return _Judged("approval", findings, len(names))


def _products(tables: _Tables) -> _Judged | Missing:
    days = tables.like_days
    if not days:
        return Missing("product", "calendar" if tables.kind_days else "kind")
    sales = tables.sales(days)
    categories, products = tables.goods("categories"), tables.goods("products")
    first = len(categories.names)  # of the products
    names = [*categories.names, *products.names]
    category_of = Calendar.known().category_of
    places = {name: place for place, name in enumerate(categories.names)}
    parents = [*[None] * first, *(places.get(category_of.get(it, "")) for it in products.names)]
    dates = [day_of(hours_of(epoch_ms(tables.now) - day * DAY_MS)) for day in (0, *days)]
    seasons = Calendar.known().seasons(names, dates)
    by_stretch = [
        Shares.of_all(
            np.concatenate([table.cells[f"ventas_{m}"] for table in (categories, products)]),
            np.rint(sales[m] * seasons / seasons[:, :1]).astype(np.int64),
        )
        for m in STRETCHES
    ]
    p = np.array([s.both_tails(most=LEVEL) for s in by_stretch])
    believed: dict[int, tuple[int, int]] = {}
    # Categories are a family of their own, because the many products would hide them.
    for since, tested in ((0, p[:, :, :first]), (first, p[:, :, first:])):
        for place in _believed(tested.ravel(), families=2):
            stretch, falls, i = (int(at) for at in np.unravel_index(place, tested.shape))
            believed.setdefault(since + i, (stretch, falls))
    kept = set(believed)
    for whole in filter(lambda i: i < first, believed):
        stretch, falls = believed[whole]
        parts = [i for i, found in believed.items() if parents[i] == whole and found[1] == falls]
        k, n = by_stretch[stretch]
        # A product takes its own sales from the category, and as many from all sales.
        shares = Shares(k, np.concatenate([n[:first], k[first:]]))
        family = [whole, *parts]
        kept -= {*family} - {*drop_explained(family, parents, shares, low=bool(falls))}
    findings = []
    for i in filter(kept.__contains__, believed):
        stretch, falls = believed[i]
        direction = "down" if falls else "up"
        text = f"category_{direction}" if i < first else direction
        findings.append(
            Finding(
                kind="product",
                severity="medium" if falls else "info",
                text=text,
                action=text,
                subject={"categoria" if i < first else "producto": names[i]},
                numbers=by_stretch[stretch].numbers(
                    i, float(p[stretch, falls, i]), STRETCHES[stretch]
                ),
                query="categories" if i < first else "products",
            )
        )
    return _Judged("product", findings, p.size)


def _stores(tables: _Tables) -> _Judged | Missing:
    days = tables.kind_days
    if not days:
        return Missing("store", "kind")
    sales = tables.sales(days)
    stores, platforms = (named(tables.places(it, days)) for it in ("stores", "platforms"))
    names = [*stores.names, *platforms.names]
    first = len(stores.names)  # of the platforms
    cells = {
        name: np.concatenate([cell, platforms.cells[name]]) for name, cell in stores.cells.items()
    }
    by_stretch = [Shares.of_all(cells[f"ventas_{m}"], sales[m]) for m in STRETCHES]
    p = np.array([np.where(s.k[:, 0] == 0, s.tails(low=True, most=LEVEL), 1.0) for s in by_stretch])
    findings: dict[int, Finding] = {}
    for place in _believed(p.ravel()):
        stretch, i = (int(at) for at in np.unravel_index(place, p.shape))
        last = int(cells["ultima"][i, 0])
        numbers = by_stretch[stretch].numbers(i, float(p.flat[place]), STRETCHES[stretch])
        found = Finding(
            kind="store",
            severity="high",
            text="since" if last else "silent",
            action="silent" if i < first else "platform",
            subject={"sucursal" if i < first else "plataforma": names[i]},
            numbers={**numbers, "last": last},
            query="stores" if i < first else "platforms",
        )
        findings.setdefault(i, found)
    return _Judged("store", list(findings.values()), p.size)


def _volume(tables: _Tables) -> _Judged | Missing:
    """Judge all sales of the last hour, in proportion to what the calendar lets expect.

    Sales after the last one are not expected, since the stream may have stopped; and without sales
    before the hour, the stream has only begun. Back-filled hours are compared with back-filled ones
    only, because a window has its own pace.
    """
    sums = {name: tables.ways.cells[name].sum(axis=0) for name in _SUMMED}
    sales, hours = sums["ventas"], tables.hours
    is_filled = 2 * sums["rellenas"] > sales
    columns = {day: hours.index(24 * day) for day in (0, *tables.kind_days)}
    days = [day for day in columns if is_filled[columns[day]] == is_filled[0]]
    if len(days) < 2:
        return Missing("volume", "pace" if tables.kind_days else "kind")
    k = sales[[columns[day] for day in days]]
    if not (k[0] and sales[hours.index(1)]):
        return _Judged("volume", [], 0)
    ends = int(tables.places("stores", []).cells["ultima"].max(initial=0)) + 1
    last = moment_of(min(ends, epoch_ms(tables.now)))
    begins = tables.now - _HOUR
    spans = [(begins, last), *((begins - _DAY * day, tables.now - _DAY * day) for day in days[1:])]
    due = np.array([Calendar.known().expected(*span) for span in spans])
    chances = np.rint(_CHANCES * k.max() * due / due.max()).astype(np.int64)
    shares = Shares.of_all(k[np.newaxis], chances[np.newaxis])
    p = float(shares.tails(low=True, most=LEVEL)[0])
    lasted = (last - begins) / _HOUR
    if not _believed(np.array([p])) or k[0] >= (1 - FEWER) * lasted * k[1:].min():
        return _Judged("volume", [], 1)
    numbers = shares.numbers(0, p, 60)
    usual, lost = numbers["usual"], numbers["expected"] - numbers["k"]
    finding = Finding(
        kind="volume",
        severity="high",
        text="down",
        action="down",
        subject={},
        numbers={
            **numbers,
            # Of the expected sales, not of the chances.
            **{name: numbers[name] / usual for name in ("share", "usual", "low", "high")},
            **{name: round(numbers[name] * usual) for name in ("n", "base_n")},
            "lost": lost,
            "lost_centavos": lost * float(sums["ingresos"].sum() / sales.sum()),
        },
        query="payments",
    )
    return _Judged("volume", [finding], 1)


def _promotions(tables: _Tables) -> _Judged | Missing:
    ways, hours, days = tables.ways, tables.hours, tables.sold
    if not same_weekday(days):
        return Missing("promotion", "weekday")
    starts = [0, *(24 * day for day in days)]
    columns = [[hours.index(start + hour) for hour in range(HOURS)] for start in starts]
    cells = {name: cell[:, columns].sum(axis=2) for name, cell in ways.cells.items()}
    names, member = _with_types(ways.names)
    sums = {name: member @ cell for name, cell in cells.items()}
    shares = Shares(sums["con_descuento"], sums["ventas"])
    of_all = Shares.of_all(sums["ventas"], cells["ventas"].sum(axis=0))
    income_of_all = np.divide(
        sums["ingresos"],
        cells["ingresos"].sum(axis=0),
        out=np.zeros(shares.k.shape),
        where=cells["ingresos"].sum(axis=0) > 0,
    )
    # This weekday's own promotions are usual, even if only one earlier day shows them.
    weekly = [0, *(place for place, day in enumerate(days, 1) if day % 7 == 0)]
    weekday = Shares(shares.k[:, weekly], shares.n[:, weekly]).tails(low=False, most=SURE)
    p = np.where(weekday <= SURE, shares.tails(low=False, most=LEVEL), 1.0)
    parents = [_type_of(names, name) for name in names]
    findings = []
    for i in drop_explained(_believed(p), parents, shares, low=False):
        p_more = float(of_all.part([i]).tails(low=False, most=1.0)[0])
        sold = of_all.numbers(i, p_more, _LONGEST)
        more_sales = p_more <= SURE
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
    refunds, chargebacks = (categories.cells[column] for column in _RETURNS.values())
    counts = [Shares.of_all(array, array.sum(axis=0)) for array in (refunds, chargebacks)]
    shares = Shares(*(np.concatenate(column) for column in zip(*counts, strict=True)))
    by_share = shares.tails(low=False, most=SURE)
    # Chargebacks are so few at first that shares tell little; but all of them rise in the first
    # weeks of a history, and then no share does.
    of_sales = Shares.of_all(chargebacks, categories.cells[f"ventas_{_LONGEST}"])
    by_sales = of_sales.tails(low=False, most=LEVEL)
    first = len(refunds)
    unlike = (by_share[first:] <= SURE) | (chargebacks[:, 1:].sum() == 0)
    p = np.concatenate([by_share, np.where(unlike, by_sales, 1.0)])
    findings: dict[int, Finding] = {}
    for place in _believed(p):
        i = place if place < len(names) else place - first
        state, name = names[i]
        findings.setdefault(
            i,
            Finding(
                kind="returns",
                severity="high" if state == "contracargo" else "medium",
                text=state,
                action=state,
                subject={"categoria": name},
                numbers=shares.numbers(i, float(p[place]), _LONGEST),
                query="categories",
            ),
        )
    return _Judged("returns", list(findings.values()), p.size)


def _with_types(ways: Sequence[Way]) -> tuple[list[Way], Ints]:
    """Return each payment type and each pair of type and issuer, and which rows belong to it.

    The second is an array (names, ways) of 0 and 1. Sales without a payment type belong to none.
    """
    types = list(dict.fromkeys((kind, "") for kind, _ in ways if kind))
    names = [*types, *(way for way in ways if all(way))]
    places = {name: place for place, name in enumerate(names)}
    member = np.zeros((len(names), len(ways)), dtype=np.int64)
    for row, way in enumerate(ways):
        for name in (way, (way[0], "")):
            if name in places:
                member[places[name], row] = 1
    return names, member


def _type_of(names: Sequence[Way], name: Way) -> int | None:
    return names.index((name[0], "")) if name[1] else None


def _filters(way: Way) -> dict[str, str]:
    kind, issuer = way
    return {"pago": kind, "emisor": issuer} if issuer else {"pago": kind}


#: Queries that a kind needs in addition to "payments", which shows the days that had sales.
_NEEDS: Final[Mapping[Kind, tuple[Query, ...]]] = {
    "approval": (),
    "product": ("products", "categories", "stores"),
    "store": ("stores", "platforms"),
    "promotion": (),
    "returns": ("categories",),
    "volume": ("stores",),
}

_JUDGES: Final[Mapping[Kind, Callable[[_Tables], _Judged | Missing]]] = {
    "approval": _approval,
    "product": _products,
    "store": _stores,
    "returns": _returns,
    "promotion": _promotions,
    "volume": _volume,
}
