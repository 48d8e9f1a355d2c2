"""Simulated sales of some days as columns of events, with and without incidents."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from include.sales.arrivals import arrivals
from include.sales.content import SaleSource
from include.sales.demand import Demand
from include.sales.drawn import Drawn
from include.sales.event import PLATAFORMAS, TIPOS_PAGO
from include.sales.incidents import Incident
from include.sales.lifecycle import PENDING
from include.sales.local_time import epoch_ms
from include.sales.market import Market
from include.sales.random_numbers import BLOCK, Ints


class Events(NamedTuple):
    """Events in order of time; `product`, …, `state` are positions in their names."""

    names: dict[str, Sequence[str]]
    """Names by position, for `product`, `category`, `store`, `payment`, `issuer`, `platform`."""
    category_of: Ints
    """Category of each product."""
    ts: Ints
    sale: Ints
    state: Ints
    store: Ints
    product: Ints
    payment: Ints
    issuer: Ints
    platform: Ints
    units: Ints
    importe: Ints
    descuento: Ints
    filled: Ints
    """1: the back-fill made it."""

    @property
    def category(self) -> Ints:
        return self.category_of[self.product]

    def only(self, kept: Any) -> "Events":
        """Return the events that a mask or a list of positions selects."""
        return Events(self.names, self.category_of, *(column[kept] for column in self[2:]))


def joined(parts: Sequence[Events]) -> Events:
    """Return the events of all parts, in order of time."""
    columns = (np.concatenate(column) for column in zip(*(it[2:] for it in parts), strict=True))
    events = Events(parts[0].names, parts[0].category_of, *columns)
    return events.only(np.argsort(events.ts, kind="stable"))


class Simulation:
    """All stores' sales on the demand curve, with their later events before the end."""

    def __init__(
        self, market: Market, seed: int, start: datetime, end: datetime, scale: float
    ) -> None:
        self._end = epoch_ms(end)
        self._moments = arrivals(Demand(market), seed, start, end, scale)
        self._source = SaleSource(market, seed, corrida="hallazgos")
        products = self._source.products
        categories = list(dict.fromkeys(product.categoria for product in products))
        self._names: dict[str, Sequence[str]] = {
            "product": [product.producto for product in products],
            "category": categories,
            "store": [store.sucursal for store in self._source.stores],
            "payment": TIPOS_PAGO,
            "issuer": self._source.issuers,
            "platform": PLATAFORMAS,
        }
        self._category_of = np.array([categories.index(p.categoria) for p in products])
        self.usual = self._events(self._source, 0, len(self._moments))

    def with_incident(self, incident: Incident) -> Events:
        """Return the events of the same sales with an incident; only its sales are drawn again."""
        begins = datetime.fromisoformat(incident.desde)
        ends = begins + timedelta(minutes=incident.minutos)
        first, stop = np.searchsorted(self._moments, [epoch_ms(begins), epoch_ms(ends)]).tolist()
        first -= first % BLOCK
        changed = self._events(self._source.with_incidents([incident]), first, stop)
        usual = self.usual
        return joined([usual.only((usual.sale < first) | (usual.sale >= stop)), changed])

    def _events(self, source: SaleSource, first: int, stop: int) -> Events:
        """Return the events of the sales from `first`, which begins a block, up to `stop`."""
        moments = self._moments[first:stop]
        blocks = np.pad(moments, (0, -len(moments) % BLOCK), mode="edge").reshape(-1, BLOCK)
        parts = [source.columns(first // BLOCK + place, ts) for place, ts in enumerate(blocks)]
        drawn = Drawn(
            *(np.concatenate(column)[: len(moments)] for column in zip(*parts, strict=True))
        )
        states = np.stack([np.full(len(moments), PENDING), drawn.outcome, drawn.end], axis=1)
        ts = np.stack([moments, moments + drawn.decided_ms, moments + drawn.ended_ms], axis=1)
        happens = ts < self._end
        happens[:, 1:] &= states[:, 1:] != states[:, :-1]
        happens &= drawn.occurs[:, np.newaxis] > 0
        sale = np.nonzero(happens)[0]
        events = Events(
            names=self._names,
            category_of=self._category_of,
            ts=ts[happens],
            sale=first + sale,
            state=states[happens],
            store=drawn.store[sale],
            product=drawn.product[sale],
            payment=drawn.payment[sale],
            issuer=drawn.issuer[sale],
            platform=drawn.platform[sale],
            units=drawn.cantidad[sale],
            importe=drawn.importe_centavos[sale],
            descuento=drawn.descuento_centavos[sale],
            filled=np.zeros(len(sale), dtype=np.int64),
        )
        return events.only(np.argsort(events.ts, kind="stable"))
