"""Sales changed on purpose, and a Druid that answers the findings' queries from them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from commands.score.local_druid import LocalDruid
from commands.score.sales import Events, joined
from include.druid.client import SqlColumn, SqlTable
from include.page.findings.report import Query
from include.page.findings.rows import APPROVED, REJECTED, query_columns
from include.sales.event import ESTADOS, PLATAFORMAS, TIPOS_PAGO, Venta
from include.sales.lifecycle import PENDING
from include.sales.local_time import epoch_ms, moment_of
from include.sales.random_numbers import Ints

#: Tuesday noon in the stores' time zone, in a week without holidays.
NOW = datetime(2026, 9, 29, 15, tzinfo=UTC)


def ms(sale: Venta) -> int:
    """Return the epoch milliseconds of an event."""
    return epoch_ms(datetime.fromisoformat(sale.ts))


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
            "platform": PLATAFORMAS,
        },
        category_of=category[[product.tolist().index(n) for n in range(len(products))]],
        ts=np.array([ms(sale) for sale in sales]),
        sale=np.array([sale.secuencia for sale in sales]),
        state=np.array([ESTADOS.index(sale.estado) for sale in sales]),
        store=store,
        product=product,
        payment=np.array([TIPOS_PAGO.index(sale.tipo_pago) for sale in sales]),
        issuer=issuer,
        platform=np.array([PLATAFORMAS.index(sale.plataforma) for sale in sales]),
        units=np.array([sale.cantidad for sale in sales]),
        importe=np.array([sale.importe_centavos for sale in sales]),
        descuento=np.array([sale.descuento_centavos for sale in sales]),
        filled=np.array([sale.corrida.startswith("relleno") for sale in sales]).astype(np.int64),
    )
    return events.only(np.argsort(events.ts, kind="stable"))


#: Column by which each query groups, in addition to the day.
COLUMNS: Final[dict[Query, str]] = {
    "products": "producto",
    "stores": "sucursal",
    "categories": "categoria",
    "platforms": "plataforma",
}


def rows_of(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Return the rows of a query as dicts by column."""
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


class LocalTables(LocalDruid):
    """Answers the findings' SQL on SQLite; an answer without rows has no columns."""

    def sql_table(self, query: str, parameters: Sequence[Any], **_: Any) -> SqlTable:
        rows = self.sql(query, parameters)
        columns = [SqlColumn(name, "") for name in rows[0]] if rows else []
        return SqlTable(columns, [list(row.values()) for row in rows])


class SimulatedDruid:
    """Answers the findings' queries from events, and records their parameters."""

    def __init__(self, events: Events) -> None:
        self.events = events
        self.asked: list[list[Any]] = []

    def sql_table(
        self, query: str, parameters: list[Any], *, timeout: float, context: dict[str, int]
    ) -> SqlTable:
        assert timeout <= 30
        # A lower priority than the queries of the page's viewers.
        assert context["priority"] < 0
        self.asked.append(parameters)
        found = query_columns(self.events, moment_of(parameters[0]))
        grouped = query.rpartition("GROUP BY ")[2]
        name = next((name for name, column in COLUMNS.items() if f"dia, {column}" in grouped), None)
        columns = found[name or "payments"]
        rows = [list(row) for row in zip(*columns.values(), strict=True)]
        return SqlTable([SqlColumn(name, "") for name in columns], rows)


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
