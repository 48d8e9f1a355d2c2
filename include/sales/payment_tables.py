"""Row types of the data files about amounts and promotions, as in `tables.py`."""

import datetime as dt
from typing import Annotated, Literal

from msgspec import Meta

from include.sales.calendar_tables import Factor, Weekday
from include.sales.event import TipoPago
from include.sales.tables import Canal, Row, Slug, Text


class AmountBand(Row, frozen=True, kw_only=True):
    """amount_bands.csv: a band of amounts before discounts, from `desde` pesos to the next band."""

    tramo: Slug
    desde: Annotated[int, Meta(ge=0)]


class PaymentFactor(Row, frozen=True, kw_only=True):
    """payment_amounts.csv: factor of a payment type's use in an amount band; 1 without a line."""

    tipo_pago: TipoPago
    tramo: Slug
    factor: Factor


class InstalmentFactor(Row, frozen=True, kw_only=True):
    """instalment_amounts.csv: factor of the use of `cuotas` instalments in an amount band."""

    cuotas: Annotated[int, Meta(ge=1, le=60)]
    tramo: Slug
    factor: Factor


class RejectionFactor(Row, frozen=True, kw_only=True):
    """rejection_factors.csv: factor of the rejections of an issuer or band; a blank means any."""

    emisor: str = ""
    tramo: str = ""
    factor: Factor


class Promotion(Row, frozen=True, kw_only=True):
    """promotions.csv: percent off on a weekday, for `alcance` percent of the payments it concerns.

    It concerns the payments of a payment type, issuer, channel and group; a blank means any. It
    replaces the discount of `discounts.csv`. If several promotions concern the same payment, the
    first in the file is applied first, and the next one to the payments that are left.
    """

    promocion: Text
    tipo_pago: TipoPago
    emisor: str = ""
    canal: Canal | Literal[""] = ""
    grupo: str = ""
    weekday: Weekday
    percent: Annotated[int, Meta(ge=1, le=99)]
    alcance: Annotated[float, Meta(gt=0, le=100)]
    desde: dt.date
    hasta: dt.date | None = None
    """Last day; blank while the promotion is in force."""
