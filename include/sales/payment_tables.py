"""What a line of the data files about amounts and promotions holds; as `tables.py`, whose base it
shares."""

import datetime as dt
from typing import Annotated, Literal

from msgspec import Meta

from include.sales.calendar_tables import Factor, Weekday
from include.sales.event import TipoPago
from include.sales.tables import Canal, Row, Slug, Text


class AmountBand(Row, frozen=True, kw_only=True):
    """amount_bands.csv: amounts, before discounts, from so many pesos until the next band."""

    tramo: Slug
    desde: Annotated[int, Meta(ge=0)]


class PaymentFactor(Row, frozen=True, kw_only=True):
    """payment_amounts.csv: how much more a payment type is used at an amount; 1 if not there."""

    tipo_pago: TipoPago
    tramo: Slug
    factor: Factor


class InstalmentFactor(Row, frozen=True, kw_only=True):
    """instalment_amounts.csv: how much more so many instalments are taken at an amount."""

    cuotas: Annotated[int, Meta(ge=1, le=60)]
    tramo: Slug
    factor: Factor


class RejectionFactor(Row, frozen=True, kw_only=True):
    """rejection_factors.csv: how much more is rejected of an issuer or amount; blank is any."""

    emisor: str = ""
    tramo: str = ""
    factor: Factor


class Promotion(Row, frozen=True, kw_only=True):
    """promotions.csv: percent off on a weekday for `alcance` percent of the payments it is for.

    It is for those of a payment type, issuer, channel and group; a blank one is any. It replaces
    the discount of `discounts.csv`. Where several are for the same payment the first in the file
    goes first.
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
    """Blank while it is in force."""
