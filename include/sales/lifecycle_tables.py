"""Row types of the data files about decisions and returns, as in `tables.py`."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from include.sales.event import TipoPago
from include.sales.tables import Canal, Row, Share

Days = Annotated[float, Meta(ge=0, le=365)]
Seconds = Annotated[float, Meta(ge=0, le=60)]

ONLINE_REFUND_DAYS = 10
"""Ley 24.240 Art. 34: an online buyer may revoke the purchase within ten calendar days."""


class Decision(Row, frozen=True, kw_only=True):
    """decisions.csv: seconds until an attempt to pay is approved or rejected.

    A blank payment type stands for each type without a line.
    """

    tipo_pago: TipoPago | Literal[""] = ""
    desde_segundos: Seconds
    hasta_segundos: Seconds

    CONDITION: ClassVar[tuple[str, ...]] = ("tipo_pago",)


class ReturnShare(Share, frozen=True, kw_only=True):
    """returns.csv: share of each last state of approved sales, and days from approval to return.

    A blank payment type stands for each type without lines in the channel.
    """

    canal: Canal
    tipo_pago: TipoPago | Literal[""] = ""
    estado: Literal["aprobada", "reembolsada", "contracargo"]
    desde_dias: Days = 0
    hasta_dias: Days = 0

    CONDITION: ClassVar[tuple[str, ...]] = ("canal", "tipo_pago")
    OPTION: ClassVar = "estado"
