"""Row types of the data files, one class per file.

A column that corresponds to a field of the event has that field's name. Every line names the source
of its figure (`source`, which may be an "assumption") and the figure's date (`date`). A blank cell
takes the field's default.
"""

import datetime as dt
import operator
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, ClassVar, Final, Literal, TypeVar, get_args

import msgspec
from msgspec import Meta

from include.sales.event import AlicuotaIva, Plataforma, TipoPago

Text = Annotated[str, Meta(min_length=1, pattern=r"^\S(.*\S)?$")]
Slug = Annotated[str, Meta(pattern=r"^[a-z0-9]+([_-][a-z0-9]+)*$")]
Percentage = Annotated[float, Meta(ge=0, le=100)]
OpeningHours = Annotated[str, Meta(pattern=r"^(([0-9]|1[0-9]|2[0-3])-([0-9]|1[0-9]|2[0-4]))?$")]
Canal = Literal["local", "online"]
"""Sales channel: in store (platform `local`), or online (any other platform)."""
CHANNELS: Final[tuple[Canal, ...]] = get_args(Canal)

_CUIT_WEIGHTS: Final = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)

Outcome = Literal["aprobada", "rechazada", "pendiente"]
"""State after an attempt to pay; returns.csv says what follows an approval."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a data file."""

    source: Text
    date: Annotated[str, Meta(pattern=r"^[0-9]{4}(-[0-9]{2}){0,2}$")]
    """Year, month or day of the figure, as exact as the source gives it."""

    CONDITION: ClassVar[tuple[str, ...]] = ()
    """Columns of the condition; a blank part stands for every value without own lines."""

    @property
    def condition(self) -> tuple[str, ...]:
        return tuple(getattr(self, column) for column in self.CONDITION)


class Share(Row, frozen=True, kw_only=True):
    """A line of a table of shares: under each `condition` the options' shares sum to 100."""

    share: Percentage

    OPTION: ClassVar[str]
    """Column of the option that has this share."""

    @property
    def option(self) -> str | int:
        found: str | int = getattr(self, self.OPTION)
        return found


RowT = TypeVar("RowT", bound=Row)


def applicable(table: Iterable[RowT], condition: tuple[str, ...]) -> list[RowT]:
    """Return the lines with a condition; if there are none, those with its last part blank."""
    lines = list(table)
    own = [line for line in lines if line.condition == condition]
    return own or [line for line in lines if line.condition == (*condition[:-1], "")]


class Province(Share, frozen=True, kw_only=True):
    """provinces.csv: share of the country's population; `code` is ISO 3166-2."""

    code: Annotated[str, Meta(pattern=r"^AR-[A-Z]$")]
    provincia: Text
    share: Annotated[float, Meta(gt=0, le=100)]

    OPTION: ClassVar = "code"


class Store(Row, frozen=True, kw_only=True):
    """stores.csv: a store; `weight` is its sales relative to the others of its province.

    `laborable`, `sabado` and `domingo` are its opening hours, as in `9-21`; blank is closed.
    """

    id: Slug
    sucursal: Text
    ciudad: Text
    barrio: Text
    direccion: Text
    province: Text
    """Code of provinces.csv."""
    cuit: Annotated[str, Meta(pattern=r"^[0-9]{2}-[0-9]{8}-[0-9]$")]
    formato: Literal["express", "supermercado", "hipermercado"]
    weight: Annotated[float, Meta(gt=0, le=1_000_000)]
    laborable: OpeningHours = ""
    sabado: OpeningHours = ""
    domingo: OpeningHours = ""

    def is_open(self, dia: str, hour: int) -> bool:
        """Return whether the store is open in a local hour of a kind of day (`DIAS`)."""
        hours: str = getattr(self, dia)
        opens, _, closes = hours.partition("-")
        return bool(hours) and int(opens) <= hour < int(closes)

    @property
    def cuit_is_valid(self) -> bool:
        """Whether the CUIT's last digit is the check digit of the others (AFIP: modulo 11)."""
        *digits, check = (int(digit) for digit in self.cuit.replace("-", ""))
        remainder = sum(map(operator.mul, _CUIT_WEIGHTS, digits)) % 11
        return bool(check == {0: 0, 1: 9}.get(remainder, 11 - remainder))


class Group(Share, frozen=True, kw_only=True):
    """groups.csv: a line of business and its share of the number of sales."""

    grupo: Slug

    OPTION: ClassVar = "grupo"


class Category(Share, frozen=True, kw_only=True):
    """categories.csv: share of the group's *value*, and the distribution of units per sale.

    After each unit another one follows with probability `repeat`, up to `max_units`. baskets.csv
    has the hours in which this is more likely.
    """

    categoria: Text
    grupo: Slug
    repeat: Annotated[float, Meta(ge=0, lt=1)]
    max_units: Annotated[int, Meta(ge=1, le=100)]

    CONDITION: ClassVar[tuple[str, ...]] = ("grupo",)
    OPTION: ClassVar = "categoria"


class Product(Row, frozen=True, kw_only=True):
    """products.csv: a product; its price is in pesos, IVA included.

    `rank` 1 is the product of its category that sells most. `temporada` (seasons.csv) and `horario`
    (schedules.csv) say when it sells more; a blank means no variation.
    """

    sku: Annotated[str, Meta(pattern=r"^[A-Z0-9]+(-[A-Z0-9]+)*$")]
    producto: Text
    categoria: Text
    precio: Annotated[str, Meta(pattern=r"^[0-9]{1,9}(\.[0-9]{1,2})?$")]
    alicuota_iva: AlicuotaIva
    rank: Annotated[int, Meta(ge=1)]
    temporada: str = ""
    horario: str = ""

    @property
    def precio_centavos(self) -> int:
        return int(Decimal(self.precio) * 100)


class PlatformShare(Share, frozen=True, kw_only=True):
    """platforms.csv: share of the group's value by platform."""

    grupo: Slug
    plataforma: Plataforma

    CONDITION: ClassVar[tuple[str, ...]] = ("grupo",)
    OPTION: ClassVar = "plataforma"


class ByChannel(Share, frozen=True, kw_only=True):
    """A share by channel and group; a blank group stands for every group without own lines."""

    canal: Canal
    grupo: str = ""

    CONDITION: ClassVar[tuple[str, ...]] = ("canal", "grupo")


class PaymentShare(ByChannel, frozen=True, kw_only=True):
    """payments.csv: share of completed sales' value by payment type."""

    tipo_pago: TipoPago

    OPTION: ClassVar = "tipo_pago"


class InstalmentShare(ByChannel, frozen=True, kw_only=True):
    """instalments.csv: share of credit card sales by number of instalments."""

    cuotas: Annotated[int, Meta(ge=1, le=60)]

    OPTION: ClassVar = "cuotas"


class Programme(Row, frozen=True, kw_only=True):
    """instalment_programmes.csv: a programme that offers a number of instalments for some time."""

    programa: Text
    cuotas: Annotated[int, Meta(ge=2, le=60)]
    desde: dt.date | None = None
    hasta: dt.date | None = None
    """Last day; blank while the programme is in force."""

    def in_force(self, day: dt.date) -> bool:
        return (self.desde or dt.date.min) <= day <= (self.hasta or dt.date.max)


class ByPayment(Share, frozen=True, kw_only=True):
    """A share by payment type; a blank stands for each type without own lines."""

    tipo_pago: TipoPago | Literal[""] = ""

    CONDITION: ClassVar[tuple[str, ...]] = ("tipo_pago",)


class IssuerShare(ByPayment, frozen=True, kw_only=True):
    """issuers.csv: share of a card brand or wallet; a blank province: each without own lines."""

    province: str = ""
    emisor: Text

    CONDITION: ClassVar[tuple[str, ...]] = ("tipo_pago", "province")
    OPTION: ClassVar = "emisor"


class OutcomeShare(ByPayment, frozen=True, kw_only=True):
    """outcomes.csv: share of each state after attempts to pay."""

    estado: Outcome

    OPTION: ClassVar = "estado"


class RejectionShare(ByPayment, frozen=True, kw_only=True):
    """rejections.csv: share of each reason for rejections."""

    motivo: Slug

    OPTION: ClassVar = "motivo"


class DiscountShare(Share, frozen=True, kw_only=True):
    """discounts.csv: share of a group's sales with a discount of `percent`."""

    grupo: Slug
    percent: Annotated[int, Meta(ge=0, le=99)]

    CONDITION: ClassVar[tuple[str, ...]] = ("grupo",)
    OPTION: ClassVar = "percent"
