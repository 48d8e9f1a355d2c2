"""The choices that make up a sale, or a block of sales."""

from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Drawn(NamedTuple, Generic[T]):
    """The choices of a block (`Drawn[Ints]`, columns of `BLOCK` values) or of one sale.

    `store`, `product`, `issuer` and `reason` are positions in the source's `stores`, `products`,
    `issuers` and `reasons`; `payment`, `outcome`, `end` and `platform` are positions in
    `TIPOS_PAGO`, `ESTADOS`, `ESTADOS` and `PLATAFORMAS`. `outcome` is the state after the decision
    (`pendiente`: never decided) and `end` the last state. `percent` is the discount in percent of
    the price. `customer` is a number, or -1 for an unknown customer. `decided_ms` and `ended_ms`
    count from the sale's beginning; they have no meaning if the sale has no such step.
    `price_percent` is the price in percent of the product's usual one. `occurs` is whether the sale
    takes place. The other fields are the event's own values.
    """

    store: T
    product: T
    platform: T
    payment: T
    issuer: T
    outcome: T
    reason: T
    cantidad: T
    percent: T
    descuento_centavos: T
    importe_centavos: T
    iva_centavos: T
    cuotas: T
    customer: T
    end: T
    decided_ms: T
    ended_ms: T
    price_percent: T
    occurs: T
