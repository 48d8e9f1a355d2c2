"""Simulated sales as columns of events, and the rows that the findings' queries return for them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import numpy as np

from include.page.findings.report import Query
from include.page.findings.windows import goods_windows, payment_windows
from include.sales.arrivals import arrivals
from include.sales.content import SaleSource
from include.sales.demand import Demand
from include.sales.drawn import Drawn
from include.sales.event import ESTADOS, TIPOS_PAGO, Venta
from include.sales.lifecycle import PENDING
from include.sales.local_time import HOUR_MS, epoch_ms, moment_of
from include.sales.market import Market
from include.sales.random_numbers import BLOCK, Ints

APPROVED, REJECTED, REFUNDED, CHARGED_BACK = (
    ESTADOS.index(state) for state in ("aprobada", "rechazada", "reembolsada", "contracargo")
)

#: Tuesday noon in the stores' time zone, in a week without holidays.
NOW = datetime(2026, 8, 25, 15, tzinfo=UTC)


class Events(NamedTuple):
    """Events in order of time; all columns but `ts`, `importe`, `descuento` are positions."""

    names: dict[str, Sequence[str]]
    """Names by position, for `product`, `category`, `store`, `payment` and `issuer`."""
    category_of: Ints
    """Category of each product."""
    ts: Ints
    sale: Ints
    state: Ints
    store: Ints
    product: Ints
    payment: Ints
    issuer: Ints
    importe: Ints
    descuento: Ints

    def only(self, kept: Any) -> "Events":
        """Return the events that a mask or a list of positions selects."""
        return Events(self.names, self.category_of, *(column[kept] for column in self[2:]))


def simulate(market: Market, seed: int, start: datetime, end: datetime, scale: float) -> Events:
    """Return all stores' sales on the demand curve, with their later events before the end."""
    moments = arrivals(Demand(market), seed, start, end, scale)
    source = SaleSource(market, seed, corrida="hallazgos")
    count = len(moments)
    blocks = np.pad(moments, (0, -count % BLOCK), mode="edge").reshape(-1, BLOCK)
    parts = [source.columns(number, ts) for number, ts in enumerate(blocks)]
    drawn = Drawn(*(np.concatenate(column)[:count] for column in zip(*parts, strict=True)))
    states = np.stack([np.full(count, PENDING), drawn.outcome, drawn.end], axis=1)
    ts = np.stack([moments, moments + drawn.decided_ms, moments + drawn.ended_ms], axis=1)
    happens = ts < epoch_ms(end)
    happens[:, 1:] &= states[:, 1:] != states[:, :-1]
    sale = np.nonzero(happens)[0]
    categories = list(dict.fromkeys(product.categoria for product in source.products))
    events = Events(
        names={
            "product": [product.producto for product in source.products],
            "category": categories,
            "store": [store.sucursal for store in source.stores],
            "payment": TIPOS_PAGO,
            "issuer": source.issuers,
        },
        category_of=np.array([categories.index(p.categoria) for p in source.products]),
        ts=ts[happens],
        sale=sale,
        state=states[happens],
        store=drawn.store[sale],
        product=drawn.product[sale],
        payment=drawn.payment[sale],
        issuer=drawn.issuer[sale],
        importe=drawn.importe_centavos[sale],
        descuento=drawn.descuento_centavos[sale],
    )
    return events.only(np.argsort(events.ts, kind="stable"))


def events_of(sales: Sequence[Venta]) -> Events:
    """Return `Events` made from published events."""

    def positions(values: Sequence[str]) -> tuple[list[str], Ints]:
        names = list(dict.fromkeys(values))
        return names, np.array([names.index(value) for value in values])

    products, product = positions([sale.producto for sale in sales])
    stores, store = positions([sale.sucursal for sale in sales])
    issuers, issuer = positions([sale.emisor for sale in sales])
    categories, category = positions([sale.categoria for sale in sales])
    events = Events(
        names={
            "product": products,
            "category": categories,
            "store": stores,
            "payment": TIPOS_PAGO,
            "issuer": issuers,
        },
        category_of=category[[product.tolist().index(n) for n in range(len(products))]],
        ts=np.array([epoch_ms(datetime.fromisoformat(sale.ts)) for sale in sales]),
        sale=np.array([sale.secuencia for sale in sales]),
        state=np.array([ESTADOS.index(sale.estado) for sale in sales]),
        store=store,
        product=product,
        payment=np.array([TIPOS_PAGO.index(sale.tipo_pago) for sale in sales]),
        issuer=issuer,
        importe=np.array([sale.importe_centavos for sale in sales]),
        descuento=np.array([sale.descuento_centavos for sale in sales]),
    )
    return events.only(np.argsort(events.ts, kind="stable"))


def query_rows(events: Events, now: datetime) -> dict[Query, list[dict[str, Any]]]:
    """Return the rows that the findings' queries return for the events, by query."""
    goods = _within(events, goods_windows(now))
    return {
        "payments": _payment_rows(events, now),
        "products": _goods_rows(goods, now, goods.product, goods.names["product"]),
        "stores": _goods_rows(goods, now, goods.store, goods.names["store"]),
        "categories": _goods_rows(
            goods, now, goods.category_of[goods.product], goods.names["category"]
        ),
    }


def _payment_rows(events: Events, now: datetime) -> list[dict[str, Any]]:
    """Return the rows of ``findings/payments.sql`` for the events."""
    it = _within(events, payment_windows(now))
    hora = (epoch_ms(now) - 1 - it.ts) // HOUR_MS
    names = it.names
    begun, approved = it.state == PENDING, it.state == APPROVED
    return _grouped(
        {"hora": hora, "tipo_pago": it.payment, "emisor": it.issuer},
        {"tipo_pago": names["payment"], "emisor": names["issuer"]},
        {
            "ventas": begun,
            "con_descuento": begun & (it.descuento > 0),
            "aprobadas": approved,
            "rechazadas": it.state == REJECTED,
            "ingresos": it.importe * approved,
            "descuentos": it.descuento * approved,
        },
    )


def _goods_rows(
    it: Events, now: datetime, column: Ints, names: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the rows of ``findings/goods.sql`` by one column; the events are in its windows."""
    before = epoch_ms(now) - 1 - it.ts
    minute = before % (24 * HOUR_MS) // 60_000
    begun = it.state == PENDING
    rows = _grouped(
        {"dia": before // (24 * HOUR_MS), "nombre": column},
        {"nombre": names},
        {
            "ventas_15": begun & (minute < 15),
            "ventas_60": begun & (minute < 60),
            "ventas_180": begun,
            "reembolsadas": it.state == REFUNDED,
            "contracargos": it.state == CHARGED_BACK,
        },
        {"ultima": np.where(begun, it.ts, 0)},
    )
    return [{**row, "ultima": row["ultima"] or None} for row in rows]


#: Column by which each query groups, in addition to the day.
COLUMNS: Final[dict[Query, str]] = {
    "products": "producto",
    "stores": "sucursal",
    "categories": "categoria",
}


class SimulatedDruid:
    """Answers the findings' queries from events, and records their parameters."""

    def __init__(self, events: Events) -> None:
        self.events = events
        self.asked: list[list[Any]] = []

    def sql(
        self, query: str, parameters: list[Any], *, timeout: float, context: dict[str, int]
    ) -> list[dict[str, Any]]:
        assert timeout <= 30
        # A lower priority than the queries of the page's viewers.
        assert context["priority"] < 0
        self.asked.append(parameters)
        rows = query_rows(self.events, moment_of(parameters[0]))
        name = next((name for name, column in COLUMNS.items() if f"dia, {column}" in query), None)
        return rows[name or "payments"]


def _within(events: Events, windows: Sequence[int]) -> Events:
    bounds = np.searchsorted(events.ts, windows).reshape(-1, 2)
    return events.only(np.concatenate([np.arange(first, stop) for first, stop in bounds]))


def _grouped(
    keys: dict[str, Ints],
    names: dict[str, Sequence[str]],
    sums: dict[str, Any],
    most: dict[str, Ints] | None = None,
) -> list[dict[str, Any]]:
    """Group as SQL's GROUP BY: a row for each combination of the keys' values that occurs."""
    sizes = [int(column.max(initial=0)) + 1 for column in keys.values()]
    found, group = np.unique(np.ravel_multi_index(tuple(keys.values()), sizes), return_inverse=True)
    values = np.unravel_index(found, sizes)
    columns: dict[str, Sequence[Any]] = {
        name: [names[name][at] for at in value.tolist()] if name in names else value.tolist()
        for name, value in zip(keys, values, strict=True)
    }
    for name, column in sums.items():
        # The sums are exact floats: a sum of centavos is far below 2⁵³.
        columns[name] = np.bincount(group, column, len(found)).astype(np.int64).tolist()
    for name, column in (most or {}).items():
        greatest = np.zeros(len(found), dtype=np.int64)
        np.maximum.at(greatest, group, column)
        columns[name] = greatest.tolist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def joined(parts: Sequence[Events]) -> Events:
    """Return the events of all parts, in order of time."""
    columns = (np.concatenate(column) for column in zip(*(it[2:] for it in parts), strict=True))
    events = Events(parts[0].names, parts[0].category_of, *columns)
    return events.only(np.argsort(events.ts, kind="stable"))


def of(events: Events, **names: str) -> Any:
    """Return the mask of the events of a product, category, store, payment …, by their names."""
    positions = {**events._asdict(), "category": events.category_of[events.product]}
    masks = [
        positions[field] == list(events.names[field]).index(name) for field, name in names.items()
    ]
    return np.logical_and.reduce(masks)


def refused(events: Events, since: datetime, share: float, **names: str) -> Events:
    """Turn approvals from a moment on into rejections, as many as a share of all decisions."""
    decided = (events.ts >= epoch_ms(since)) & of(events, **names)
    approved = np.flatnonzero(decided & (events.state == APPROVED))
    count = round(share * int((decided & np.isin(events.state, (APPROVED, REJECTED))).sum()))
    state = events.state.copy()
    state[np.random.default_rng(count).choice(approved, count, replace=False)] = REJECTED
    return events._replace(state=state)


def silent(events: Events, since: datetime, **names: str) -> Events:
    """Leave out the chosen events from a moment on."""
    return events.only(~((events.ts >= epoch_ms(since)) & of(events, **names)))


def multiplied(
    events: Events, since: datetime, factor: float, state: int = PENDING, **names: str
) -> Events:
    """Multiply the number of events in a state from a moment on by a mean `factor` ≥ 1."""
    chosen = (events.ts >= epoch_ms(since)) & (events.state == state) & of(events, **names)
    more = np.random.default_rng(7).poisson(factor - 1, int(chosen.sum()))
    return joined([events, events.only(np.repeat(np.flatnonzero(chosen), more))])


def discounted(events: Events, since: datetime, share: float, percent: int, **names: str) -> Events:
    """Give a share of the sales from a moment on a discount of `percent`."""
    chosen = (events.ts >= epoch_ms(since)) & of(events, **names)
    # The same choice for all events of a sale.
    chosen &= events.sale * 2_654_435_761 % 1000 < share * 1000
    taken = events.importe * percent // 100 * chosen
    return events._replace(importe=events.importe - taken, descuento=events.descuento + taken)
