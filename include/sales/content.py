"""Content of the sales: sale n of a run is a pure function of (seed, n) and its local hour.

The random numbers are a function of (seed, n) alone: pace, order and number of producers do not
change them. The hour decides what they choose, as in a real store: the open stores, the products
of the season and the hour, the promotions of the day. In back-fill and load modes, `ts` is
simulated and is itself a pure function of the run. In live mode, `ts` may come from the clock; the
same `ts` gives the same bytes. The incidents of a run change some of the choices afterwards
(`incident_effects.py`): of the sales that begin while they last.

Sales are drawn in blocks of `BLOCK`, as columns; one sale is one row of its block. The events of a
sale, the steps of `lifecycle.py`, differ only in their id, `ts`, state and reason.
"""

import difflib
import hashlib
from collections.abc import Mapping, Sequence
from copy import copy
from datetime import datetime, timedelta
from enum import IntEnum, auto
from functools import lru_cache
from typing import Final, NamedTuple, Self

import msgspec
import numpy as np

from include.sales.catalogue import HOURS, Catalogue, slot
from include.sales.demand import Demand
from include.sales.drawn import Drawn
from include.sales.event import (
    ESTADOS,
    PLATAFORMAS,
    TIPOS_PAGO,
    Centavos,
    Venta,
    format_ts,
    iva_incluido,
)
from include.sales.incident_effects import IncidentEffects
from include.sales.incidents import Incident
from include.sales.lifecycle import APPROVED, PENDING, Lifecycle
from include.sales.limits import DAY_SECONDS, check_seed
from include.sales.local_time import day_of, epoch_ms, hours_of
from include.sales.market import Market
from include.sales.payments import Payments
from include.sales.points_of_sale import PLATFORM_CHANNEL, PointsOfSale
from include.sales.random_numbers import BLOCK, Choice, Floats, Ints, Stream, uniforms
from include.sales.tables import CHANNELS, Store, applicable

CASH, IN_STORE = TIPOS_PAGO.index("efectivo"), CHANNELS.index("local")

_CUSTOMERS = 60
"""Number of customers of a store per unit of its weight; an assumption."""
_MOST_CUSTOMERS = 1_000_000
"""Greatest number of customers of a store; it keeps the stores' customer numbers disjoint."""


class Draw(IntEnum):
    """The uniform random numbers of a sale, one per choice.

    Only append to it: the order decides what every seed means.
    """

    STORE = 0
    PRODUCT = auto()
    UNITS = auto()
    DISCOUNT = auto()
    PLATFORM = auto()
    PAYMENT = auto()
    ISSUER = auto()
    INSTALMENT = auto()
    OUTCOME = auto()
    REASON = auto()
    PROMOTION = auto()
    CUSTOMER = auto()
    DECISION = auto()
    END = auto()
    RETURN = auto()


CHOICES: Final[Mapping[str, Sequence[Draw]]] = {
    "store": [Draw.STORE],
    "product": [Draw.PRODUCT],
    "platform": [Draw.PLATFORM],
    "payment": [Draw.PAYMENT, Draw.ISSUER],
    "issuer": [Draw.PAYMENT, Draw.ISSUER],
}
"""The choices that a customer makes again to come to another value of a column of `Drawn`."""

Fields = dict[str, str | int]
"""Some fields of an event, by name."""


class Hour(NamedTuple):
    """Weights and conditions of a local hour."""

    platforms: Floats
    """Weights, (groups * platforms)."""
    stores: Floats
    """Weights, (channels, stores)."""
    slot: int
    """The hour's `catalogue.slot`."""
    promotions: int
    instalments: int
    """The first condition of the day, of `Promotions` and of `Instalments`."""


class UnknownStoresError(ValueError):
    """No store has these ids; `unknown` has the most similar known ids of each."""

    def __init__(self, unknown: Mapping[str, Sequence[str]]) -> None:
        super().__init__(f"no store has the id {', '.join(map(repr, unknown))}")
        self.unknown = unknown


class SaleSource:
    """The sales of a run."""

    def __init__(
        self,
        market: Market,
        seed: int,
        corrida: str,
        stores: Sequence[str] = (),
        seconds_per_day: int = DAY_SECONDS,
    ) -> None:
        """Take the market, the seed, the run's name and the ids of the stores that sell.

        Without `stores`, all stores sell. `seconds_per_day` is as in `Lifecycle`. Raises
        `ValueError` for an unknown store, a seed out of 0 … 2⁶³−1, an empty name or a
        `seconds_per_day` out of its range.
        """
        check_seed(seed)
        if not corrida:
            raise ValueError("the run needs a name, but corrida is empty")
        self.corrida = corrida
        self.seed = seed
        self.market = market
        self.products = market.products
        self.stores = _selected(market.stores, stores)
        self.provincias = {row.code: row.provincia for row in market.provinces}
        """Names of the provinces by code."""

        demand, self._catalogue, self._payments = _choices(market)
        self._places = PointsOfSale(market, self.stores, demand)
        self.issuers = self._payments.issuers
        self.reasons = self._payments.reasons
        codes = self._payments.provinces
        self._province_of: Ints = np.array([codes.index(s.province) for s in self.stores])
        self._rate: Ints = np.array([p.alicuota_iva for p in self.products])
        self._percents: Ints = np.array(sorted({row.percent for row in market.discounts}))
        self._discount = _discounts(market, self._percents)
        self._groups = len(market.groups)
        self._lifecycle = Lifecycle(market, seconds_per_day)
        own = {store.id: position for position, store in enumerate(market.stores)}
        self._first_customer: Ints = np.array([own[s.id] * _MOST_CUSTOMERS for s in self.stores])
        self._customers = np.array(
            [min(s.weight * _CUSTOMERS, _MOST_CUSTOMERS) for s in self.stores]
        )

        self.run_key = run_key(corrida)
        chosen = "\n".join([str(seconds_per_day), *sorted(store.id for store in self.stores)])
        self.choices = hashlib.blake2b(chosen.encode(), digest_size=4).hexdigest()
        """Digest of the stores and the day's length.

        Two sources with the same seed, choices and incidents have the same sales.
        """
        self.incidents: tuple[Incident, ...] = ()
        self._effects: IncidentEffects | None = None
        self._hour = lru_cache(maxsize=256)(self._new_hour)
        self._read: tuple[int, int, tuple[bool, ...]] | None = None
        self._rows: list[Drawn[int]] = []

    def with_incidents(self, incidents: Sequence[Incident]) -> Self:
        """Return the same run with these incidents; raises the errors of `IncidentEffects`."""
        other = copy(self)
        other.incidents = tuple(incidents)
        other._effects = (
            IncidentEffects(self.market, self.stores, incidents, self._payments.reason)
            if incidents
            else None
        )
        other._read = None
        return other

    def chain(self, n: int, ts: datetime) -> tuple[Venta, ...]:
        """Return the events, in order, of sale n (from 0) that begins at `ts` (with time zone).

        There are none if an incident prevents the sale. Reading sales in order is fast: the last
        block is kept while the hour and the incidents stay the same.
        """
        if n < 0:
            raise ValueError(f"the number of a sale must be 0 or more, not {n}")
        block, row = divmod(n, BLOCK)
        moment = epoch_ms(ts)
        lasting = self._effects.active(moment) if self._effects else ()
        read = (block, hours_of(moment), lasting)
        if read != self._read:
            columns = self.columns(block, np.full(BLOCK, moment))
            lists = (column.tolist() for column in columns)
            self._rows = [Drawn(*values) for values in zip(*lists, strict=True)]
            self._read = read
        drawn = self._rows[row]
        if not drawn.occurs:
            return ()
        steps = [(PENDING, 0, 0)]
        for step in (
            (drawn.outcome, drawn.reason, drawn.decided_ms),
            (drawn.end, 0, drawn.ended_ms),
        ):
            if step[0] != steps[-1][0]:
                steps.append(step)
        of_sale = {
            "id_venta": f"v{self.run_key}-{n:012d}",
            "corrida": self.corrida,
            "secuencia": n,
            "cliente": customer_id(drawn.customer),
            **self.store_fields(drawn.store),
            **self.purchase_fields(
                drawn.product, drawn.cantidad, drawn.percent, drawn.price_percent
            ),
        }
        events = [
            {
                "id_evento": f"e{self.run_key}-{n:012d}-{number}",
                "ts": format_ts(ts + timedelta(milliseconds=after)),
                **of_sale,
                **self.step_fields(
                    drawn.payment, drawn.cuotas, drawn.issuer, state, reason, drawn.platform
                ),
            }
            for number, (state, reason, after) in enumerate(steps)
        ]
        return tuple(msgspec.convert(event, Venta) for event in events)

    def store_fields(self, store: int) -> Fields:
        """Return the event's fields that the store decides, by its position in `stores`."""
        sells = self.stores[store]
        return {
            "sucursal": sells.sucursal,
            "provincia": self.provincias[sells.province],
            "ciudad": sells.ciudad,
        }

    def purchase_fields(
        self, product: int, cantidad: int, percent: int, price_percent: int
    ) -> Fields:
        """Return the event's fields that the product, its price, units and discount decide."""
        bought = self.products[product]
        price = bought.precio_centavos * price_percent // 100
        descuento, importe, iva = amounts(cantidad, price, percent, bought.alicuota_iva)
        return {
            "producto": bought.producto,
            "sku": bought.sku,
            "categoria": bought.categoria,
            "cantidad": cantidad,
            "precio_unitario_centavos": price,
            "descuento_centavos": descuento,
            "importe_centavos": importe,
            "alicuota_iva": bought.alicuota_iva,
            "iva_centavos": iva,
        }

    def step_fields(
        self, payment: int, cuotas: int, issuer: int, state: int, reason: int, platform: int
    ) -> Fields:
        """Return the event's fields that the payment, the platform and the step decide."""
        return {
            "tipo_pago": TIPOS_PAGO[payment],
            "cuotas": cuotas,
            "emisor": self.issuers[issuer],
            "estado": ESTADOS[state],
            "motivo": self.reasons[reason],
            "plataforma": PLATAFORMAS[platform],
        }

    def columns(self, block: int, ts: Ints) -> Drawn[Ints]:
        """Draw the `BLOCK` sales of a block as columns.

        `ts` holds the sales' epoch milliseconds, in any order. Rows do not influence each other, so
        a caller that needs only some rows may fill the others with any moment.
        """
        u = uniforms(self.seed, Stream.CONTENT, block, rows=len(Draw))

        def choose_again(number: int, columns: Sequence[str]) -> Drawn[Ints]:
            draws = [draw for column in columns for draw in CHOICES[column]]
            other = u.copy()
            other[draws] = uniforms(self.seed, Stream.CHOSEN_AGAIN, block, len(Draw), number)[draws]
            return self._draw(other, ts)

        drawn = self._draw(u, ts)
        if not self._effects:
            return drawn
        changed = self._effects.changed(drawn, self.seed, block, ts, choose_again)
        return changed if changed is drawn else self._with_amounts(changed)

    def _with_amounts(self, drawn: Drawn[Ints]) -> Drawn[Ints]:
        price = self._catalogue.price[drawn.product] * drawn.price_percent // 100
        descuento, importe, iva = amounts(
            drawn.cantidad, price, drawn.percent, self._rate[drawn.product]
        )
        return drawn._replace(
            descuento_centavos=descuento, importe_centavos=importe, iva_centavos=iva
        )

    def _draw(self, u: Floats, ts: Ints) -> Drawn[Ints]:
        """Make the choices of a block's sales without incidents; `u` has a row for each `Draw`."""
        catalogue, pay = self._catalogue, self._payments
        hours, position = np.unique(hours_of(ts), return_inverse=True)
        weights = [self._hour(int(hour)) for hour in hours]

        bought = Choice(np.array([each.platforms for each in weights])).pick(
            u[Draw.PLATFORM], position
        )
        group, platform = np.divmod(bought, len(PLATAFORMAS))
        channel = PLATFORM_CHANNEL[platform]
        stores = Choice(np.concatenate([each.stores for each in weights]))
        store = stores.pick(u[Draw.STORE], position * len(CHANNELS) + channel)

        slots = np.array([each.slot for each in weights])[position]
        product = catalogue.product.pick(u[Draw.PRODUCT], slots * self._groups + group)
        baskets = slots % HOURS * len(catalogue.unit_shares) + catalogue.category_of[product]
        cantidad = 1 + catalogue.units.pick(u[Draw.UNITS], baskets)
        gross = cantidad * catalogue.price[product]

        band, bands = pay.bands.of(gross), len(pay.bands.names)
        by_amount = (group * len(CHANNELS) + channel) * bands + band
        payment = pay.payment.pick(u[Draw.PAYMENT], by_amount)
        issuer = pay.issuer.pick(
            u[Draw.ISSUER], payment * len(pay.provinces) + self._province_of[store]
        )
        offered = np.array([each.instalments for each in weights])[position]
        cuotas = pay.instalments.choice.pick(u[Draw.INSTALMENT], offered + by_amount)
        cuotas = pay.instalments.counts[cuotas]
        cuotas = np.where(payment == TIPOS_PAGO.index("credito"), cuotas, 1)
        by_issuer = (payment * len(self.issuers) + issuer) * bands + band
        outcome = pay.outcome.pick(u[Draw.OUTCOME], by_issuer)
        reason = pay.reason.pick(u[Draw.REASON], payment)
        reason = np.where(outcome == ESTADOS.index("rechazada"), reason, 0)

        promotions = np.array([each.promotions for each in weights])[position]
        promotions += pay.promotions.within(payment, issuer, group, channel)
        promoted = pay.promotions.choice.pick(u[Draw.PROMOTION], promotions)
        promoted = pay.promotions.percents[promoted]
        listed = self._percents[self._discount.pick(u[Draw.DISCOUNT], group)]
        percent = np.where(promoted > 0, promoted, listed)
        descuento, importe, iva = amounts(
            cantidad, catalogue.price[product], percent, self._rate[product]
        )

        life = self._lifecycle
        known = np.where((payment == CASH) & (channel == IN_STORE), -1, self._first_customer[store])
        # A few customers buy often: a quarter of a store's customers make half of its sales.
        often = np.floor(u[Draw.CUSTOMER] ** 2 * self._customers[store]).astype(np.int64)
        end = np.where(outcome == APPROVED, life.end(u[Draw.END], channel, payment), outcome)
        decided = life.decided_after(u[Draw.DECISION], payment)
        returned = life.returned_after(u[Draw.RETURN], channel, payment, end)

        return Drawn(
            store=store,
            product=product,
            platform=platform,
            payment=payment,
            issuer=issuer,
            outcome=outcome,
            reason=reason,
            cantidad=cantidad,
            percent=percent,
            descuento_centavos=descuento,
            importe_centavos=importe,
            iva_centavos=iva,
            cuotas=cuotas,
            customer=np.where(known < 0, known, known + often),
            end=end,
            decided_ms=decided,
            ended_ms=decided + returned,
            price_percent=np.full(BLOCK, 100),
            occurs=np.ones(BLOCK, dtype=np.int64),
        )

    def _new_hour(self, hour: int) -> Hour:
        day = day_of(hour)
        platforms, stores = self._places.at(hour)
        return Hour(
            platforms=platforms,
            stores=stores,
            slot=slot(hour),
            promotions=self._payments.promotions.condition(day),
            instalments=self._payments.instalments.condition(day),
        )


def amounts(
    cantidad: Centavos, price: Centavos, percent: Centavos, alicuota: Centavos
) -> tuple[Centavos, Centavos, Centavos]:
    """Return discount, rounded down, amount and contained IVA, in centavos."""
    gross = cantidad * price
    descuento = gross * percent // 100
    importe = gross - descuento
    return descuento, importe, iva_incluido(importe, alicuota)


def run_key(corrida: str) -> str:
    """Return the digest of a run's name that all its ids contain; its length is fixed."""
    return hashlib.blake2b(corrida.encode(), digest_size=8).hexdigest()


def customer_id(customer: int) -> str:
    """Return the `cliente` for a customer's number; "" for -1."""
    return f"c{customer:09d}" if customer >= 0 else ""


@lru_cache(maxsize=4)
def _choices(market: Market) -> tuple[Demand, Catalogue, Payments]:
    """Return the tables that do not depend on the run; cached, because fitting them takes time."""
    demand = Demand(market)
    catalogue = Catalogue(market, demand)
    return demand, catalogue, Payments(market, catalogue)


def _discounts(market: Market, percents: Ints) -> Choice:
    """Return the choice of the discount's percent by group, for sales without a promotion."""
    weights = []
    for group in market.groups:
        shares = {row.percent: row.share for row in applicable(market.discounts, (group.grupo,))}
        weights.append([shares.get(int(percent), 0.0) for percent in percents])
    return Choice(weights)


def _selected(stores: Sequence[Store], ids: Sequence[str]) -> tuple[Store, ...]:
    """Return the stores with these ids (all without ids), in the market's order.

    So the order of `ids` does not matter. Raises `UnknownStoresError`.
    """
    known = sorted(store.id for store in stores)
    unknown = {
        name: difflib.get_close_matches(name.casefold(), known, n=3)
        for name in ids
        if name not in known
    }
    if unknown:
        raise UnknownStoresError(unknown)
    return tuple(store for store in stores if not ids or store.id in ids)
