"""What is sold: event n of a run is a pure function of (seed, n), but for its time and its run.

Events are drawn in blocks of `BLOCK`, as columns; one event is one row of its block. So the order
of reading, the pace and the number of producers do not change them.
"""

import difflib
import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import IntEnum, auto
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from include.sales.draws import BLOCK, Ints, Stream, check_seed, uniforms
from include.sales.event import (
    ESTADOS,
    PLATAFORMAS,
    TIPOS_PAGO,
    Venta,
    format_ts,
    iva_incluido,
)
from include.sales.market import Market
from include.sales.mix import CHANNELS, Mix
from include.sales.tables import Store


class Draw(IntEnum):
    """The uniforms of an event, one a choice. Append only: the order is part of every seed."""

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


T = TypeVar("T")


class Drawn(NamedTuple, Generic[T]):
    """What is drawn: of a block (`Drawn[Ints]`, columns of `BLOCK` values) or of one event.

    `store` and `product` are positions in the source's stores and in the market's products;
    `payment`, `outcome`, `platform` in `TIPOS_PAGO`, `ESTADOS`, `PLATAFORMAS`; `issuer` and
    `reason` in the mix's. The others are the event's own values.
    """

    store: T
    product: T
    platform: T
    payment: T
    issuer: T
    outcome: T
    reason: T
    cantidad: T
    descuento_centavos: T
    importe_centavos: T
    iva_centavos: T
    cuotas: T


class SaleSource:
    """The sales of a run."""

    def __init__(self, market: Market, seed: int, corrida: str, stores: Sequence[str] = ()) -> None:
        """Take the market, the seed, the run's name and the ids of the stores that sell.

        Without `stores` all of them do. Raises `ValueError` for an unknown store, a seed out of
        0 … 2⁶³−1 or an empty run.
        """
        check_seed(seed)
        if not corrida:
            raise ValueError("the run needs a name, and corrida is empty")
        self.corrida = corrida
        self.seed = seed
        self._products = market.products
        self._stores = _selected(market.stores, stores)
        self._provincias = {row.code: row.provincia for row in market.provinces}
        self._mix = Mix(market, self._stores)

        provinces, categories, groups = self._mix.provinces, self._mix.categories, self._mix.groups
        self._province_of = _ints(provinces.index(s.province) for s in self._stores)
        self._category_of = _ints(categories.index(p.categoria) for p in self._products)
        self._group_of = _ints(groups.index(c.grupo) for c in market.categories)
        self._price = _ints(p.precio_centavos for p in self._products)
        self._rate = _ints(p.alicuota_iva for p in self._products)
        self._percents = _ints(self._mix.percents)
        self._counts = _ints(self._mix.counts)

        # Two runs do not share ids: the digest stands for the run's name, whatever its length.
        self._run_key = hashlib.blake2b(corrida.encode(), digest_size=8).hexdigest()
        self._block: int | None = None
        self._rows: list[Drawn[int]] = []

    def sale(self, n: int, ts: datetime) -> Venta:
        """Event n, from 0, as of a moment (with time zone).

        Reading in order is fast: the last block is kept.
        """
        if n < 0:
            raise ValueError(f"events are numbered from 0, and n is {n}")
        block, row = divmod(n, BLOCK)
        if block != self._block:
            columns = (column.tolist() for column in self.columns(block))
            self._rows = [Drawn(*values) for values in zip(*columns, strict=True)]
            self._block = block
        it = self._rows[row]
        store = self._stores[it.store]
        product = self._products[it.product]
        return Venta(
            id_evento=f"e{self._run_key}-{n:012d}",
            id_venta=f"v{self._run_key}-{n:012d}",
            ts=format_ts(ts),
            corrida=self.corrida,
            secuencia=n,
            sucursal=store.sucursal,
            provincia=self._provincias[store.province],
            ciudad=store.ciudad,
            producto=product.producto,
            sku=product.sku,
            categoria=product.categoria,
            cantidad=it.cantidad,
            precio_unitario_centavos=product.precio_centavos,
            descuento_centavos=it.descuento_centavos,
            importe_centavos=it.importe_centavos,
            alicuota_iva=product.alicuota_iva,
            iva_centavos=it.iva_centavos,
            tipo_pago=TIPOS_PAGO[it.payment],
            cuotas=it.cuotas,
            emisor=self._mix.issuers[it.issuer],
            estado=ESTADOS[it.outcome],
            motivo=self._mix.reasons[it.reason],
            plataforma=PLATAFORMAS[it.platform],
        )

    def columns(self, block: int) -> Drawn[Ints]:
        """Draw the events `block * BLOCK` … as columns."""
        mix = self._mix
        u = uniforms(self.seed, Stream.CONTENT, block, rows=len(Draw))

        store = mix.store.pick(u[Draw.STORE])
        product = mix.product.pick(u[Draw.PRODUCT])
        category = self._category_of[product]
        group = self._group_of[category]

        cantidad = 1 + mix.units.pick(u[Draw.UNITS], category)
        gross = cantidad * self._price[product]
        percent = self._percents[mix.discount.pick(u[Draw.DISCOUNT], group)]
        descuento = gross * percent // 100
        importe = gross - descuento

        platform = mix.platform.pick(u[Draw.PLATFORM], group)
        online = np.where(platform == PLATAFORMAS.index("local"), 0, CHANNELS.index("online"))
        place = group * len(CHANNELS) + online
        payment = mix.payment.pick(u[Draw.PAYMENT], place)
        issuer = mix.issuer.pick(
            u[Draw.ISSUER], payment * len(mix.provinces) + self._province_of[store]
        )
        cuotas = self._counts[mix.instalment.pick(u[Draw.INSTALMENT], place)]
        cuotas = np.where(payment == TIPOS_PAGO.index("credito"), cuotas, 1)
        outcome = mix.outcome.pick(u[Draw.OUTCOME], payment)
        reason = mix.reason.pick(u[Draw.REASON], payment)
        reason = np.where(outcome == ESTADOS.index("rechazada"), reason, 0)

        return Drawn(
            store=store,
            product=product,
            platform=platform,
            payment=payment,
            issuer=issuer,
            outcome=outcome,
            reason=reason,
            cantidad=cantidad,
            descuento_centavos=descuento,
            importe_centavos=importe,
            iva_centavos=iva_incluido(importe, self._rate[product]),
            cuotas=cuotas,
        )


def _ints(values: Iterable[int]) -> Ints:
    return np.fromiter(values, dtype=np.int64)


def _selected(stores: Sequence[Store], ids: Sequence[str]) -> tuple[Store, ...]:
    """Return the stores of those ids in the market's order, so that the order asked is no matter.

    The error names every unknown id with the most similar ones.
    """
    known = {store.id for store in stores}
    unknown = []
    for asked in dict.fromkeys(ids):
        if asked not in known:
            near = difflib.get_close_matches(asked.casefold(), sorted(known), n=3)
            unknown.append(repr(asked) + (f" (similar: {', '.join(near)})" if near else ""))
    if unknown:
        raise ValueError(
            f"there is no store with id {'; '.join(unknown)}; the ids are in data/stores.csv"
        )
    return tuple(store for store in stores if not ids or store.id in ids)
