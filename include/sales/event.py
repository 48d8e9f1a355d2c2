"""The sale event: the only definition of its fields, their values and its JSON.

The JSON Schema, Druid's dimensions and the documentation's table of fields all derive from `Venta`.

No field is ever null: a text that does not apply, such as `emisor` of a cash sale, is empty. So in
Druid SQL a null in any column always means that something was lost, `<>` needs no extra condition
for nulls, and `COUNT(column)` equals `COUNT(*)`.
"""

import inspect
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple, TypeVar, get_args

import msgspec
from msgspec import Meta

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Centavos = TypeVar("Centavos", int, "npt.NDArray[np.int64]")
"""A whole number, or a column of whole numbers."""

T = TypeVar("T")

Estado = Literal["pendiente", "aprobada", "rechazada", "reembolsada", "contracargo"]
TipoPago = Literal["efectivo", "debito", "credito", "transferencia", "qr", "billetera"]
Plataforma = Literal["local", "web", "app", "marketplace", "whatsapp"]
AlicuotaIva = Literal[1050, 2100]
"""IVA rates in basis points: 21 % is the general rate, 10.5 % the rate of Art. 28 (meat and
others)."""

ESTADOS: Final[tuple[Estado, ...]] = get_args(Estado)
TIPOS_PAGO: Final[tuple[TipoPago, ...]] = get_args(TipoPago)
PLATAFORMAS: Final[tuple[Plataforma, ...]] = get_args(Plataforma)

TIPOS_PAGO_CON_EMISOR: Final[tuple[TipoPago, ...]] = ("debito", "credito", "qr", "billetera")
"""The payment types that carry a card brand or a wallet; the others have `emisor` = ""."""

_BASIS = 10_000

EACH_STEP: Final = Meta(extra={"set_by": "each step"})
THE_RUN: Final = Meta(extra={"set_by": "the run"})
THE_SALE: Final = Meta(extra={"set_by": "the sale"})
THE_STORE: Final = Meta(extra={"set_by": "the store"})
THE_PRODUCT: Final = Meta(extra={"set_by": "the product"})
COMPUTED: Final = Meta(extra={"set_by": "computed"})
"""Origin of a field's value; the data dictionary shows and explains it."""

CENTAVOS: Final = Meta(extra={"unit": "centavos"})


class Venta(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step of a sale of one product, as published to Kafka and stored in Druid.

    Two equalities hold exactly, in whole centavos:
    `importe_centavos = cantidad * precio_unitario_centavos - descuento_centavos` and
    `iva_centavos = iva_incluido(importe_centavos, alicuota_iva)`. They are for the validation to
    check: building or decoding a `Venta` checks each field, not the fields against each other.
    """

    id_evento: Annotated[
        str,
        EACH_STEP,
        Meta(description="Unique over all runs; a function of run, sale and step.", min_length=1),
    ]
    id_venta: Annotated[
        str,
        THE_SALE,
        Meta(description="The sale of this event; a sale may have several events.", min_length=1),
    ]
    ts: Annotated[
        str,
        EACH_STEP,
        Meta(extra={"unit": "milliseconds"}),
        Meta(
            description="ISO 8601 in UTC with milliseconds; Druid's timestamp.",
            pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
            max_length=24,  # the pattern's $ would also allow a line break at the end
        ),
    ]
    corrida: Annotated[
        str,
        THE_RUN,
        Meta(description="The run of the simulation that produced the event.", min_length=1),
    ]
    secuencia: Annotated[
        int,
        THE_SALE,
        Meta(
            description="Number of the sale in its run, from 0; incidents may leave numbers out.",
            ge=0,
        ),
    ]
    sucursal: Annotated[
        str,
        THE_SALE,
        Meta(
            description="Store that sells; for an online sale, the store that delivers.",
            min_length=1,
        ),
    ]
    provincia: Annotated[str, THE_STORE, Meta(description="Province of the store.", min_length=1)]
    ciudad: Annotated[str, THE_STORE, Meta(description="City of the store.", min_length=1)]
    cliente: Annotated[
        str, THE_SALE, Meta(description='Customer; "" if unknown: they pay cash in store.')
    ]
    producto: Annotated[str, THE_PRODUCT, Meta(description="Product name.", min_length=1)]
    sku: Annotated[str, THE_SALE, Meta(description="Stock code.", min_length=1)]
    categoria: Annotated[str, THE_PRODUCT, Meta(description="Product category.", min_length=1)]
    cantidad: Annotated[
        int, THE_SALE, Meta(extra={"unit": "units"}), Meta(description="Units sold.", ge=1)
    ]
    precio_unitario_centavos: Annotated[
        int,
        THE_PRODUCT,
        CENTAVOS,
        Meta(description="List price of one unit in ARS centavos, IVA included.", ge=1),
    ]
    descuento_centavos: Annotated[
        int,
        THE_SALE,
        CENTAVOS,
        Meta(description="Discount on the whole sale in ARS centavos.", ge=0),
    ]
    importe_centavos: Annotated[
        int,
        COMPUTED,
        CENTAVOS,
        Meta(description="Amount in ARS centavos: quantity × unit price − discount.", ge=0),
    ]
    alicuota_iva: Annotated[
        AlicuotaIva,
        THE_PRODUCT,
        Meta(extra={"unit": "1/100 %"}),
        Meta(description="IVA rate in basis points: 2100 is 21 %, 1050 is 10.5 %."),
    ]
    iva_centavos: Annotated[
        int,
        COMPUTED,
        CENTAVOS,
        Meta(description="IVA within the amount in ARS centavos, rounded half up.", ge=0),
    ]
    tipo_pago: Annotated[
        TipoPago,
        THE_SALE,
        Meta(description="Payment type; qr is a wallet in store, billetera a wallet online."),
    ]
    cuotas: Annotated[
        int,
        THE_SALE,
        Meta(extra={"unit": "instalments"}),
        Meta(description="Instalments; always 1 except for credit cards.", ge=1),
    ]
    emisor: Annotated[
        str, THE_SALE, Meta(description='Card brand or wallet; "" for cash and transfers.')
    ]
    estado: Annotated[
        Estado, EACH_STEP, Meta(description="Transaction state after this step of the sale.")
    ]
    motivo: Annotated[str, EACH_STEP, Meta(description='Reason of a rejection; "" otherwise.')]
    plataforma: Annotated[
        Plataforma, THE_SALE, Meta(description="Platform of purchase; local is in store.")
    ]


class Field(NamedTuple):
    """A field of `Venta`: its name and Druid's column type, and what the data dictionary tells.

    Its title for people is text `page.queries.fields.<column in Druid>`.
    """

    name: str
    kind: Literal["string", "long"]
    description: str
    set_by: str
    unit: str
    """"" for a text or a plain number."""
    schema: dict[str, Any]
    """The field's part of the JSON Schema."""


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Venta)


def encode(venta: Venta) -> bytes:
    """Return compact JSON, fields in the order of `Venta`; equal events give equal bytes."""
    return _ENCODER.encode(venta)


def decode(data: bytes) -> Venta:
    """Read an event's JSON; it must satisfy `json_schema()` and write whole numbers without `.0`.

    Raises `msgspec.ValidationError` for a missing, unknown, mistyped or out-of-range field, and
    its parent class `msgspec.DecodeError` for bytes that are not JSON.
    """
    return decode_json(_DECODER, data)


def decode_json(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    """Decode bytes from an untrusted source; every failure raises `msgspec.DecodeError`.

    The decoder alone raises other errors for text that is not UTF-8 and for very deep nesting.
    """
    try:
        return decoder.decode(data)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(f"JSON is malformed: {error}") from error


def json_schema() -> dict[str, Any]:
    """Return the event's JSON Schema, 2020-12."""
    _, components = msgspec.json.schema_components((Venta,))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **components["Venta"],
        "description": inspect.getdoc(Venta),
    }


def _fields() -> tuple[Field, ...]:
    def is_long(schema: dict[str, Any]) -> bool:
        return schema.get("type") == "integer" or isinstance(schema.get("enum", [""])[0], int)

    schemas = json_schema()["properties"]
    found = []
    for field in msgspec.structs.fields(Venta):
        schema = schemas[field.name]
        marks = {k: v for meta in field.type.__metadata__ for k, v in (meta.extra or {}).items()}
        found.append(
            Field(
                name=field.name,
                kind="long" if is_long(schema) else "string",
                description=schema["description"],
                set_by=marks["set_by"],
                unit=marks.get("unit", ""),
                schema=schema,
            )
        )
    return tuple(found)


FIELDS: Final[tuple[Field, ...]] = _fields()
"""The fields of `Venta` in their order."""


def iva_incluido(importe_centavos: Centavos, alicuota: Centavos) -> Centavos:
    """Return the IVA contained in an amount ≥ 0 with IVA included, in centavos, rounded half up.

    It is `importe · alicuota / (10000 + alicuota)`, in integers only. The same in Druid SQL, where
    `/` between BIGINT columns is integer division:
    `(2 * importe_centavos * alicuota_iva + 10000 + alicuota_iva) / (2 * (10000 + alicuota_iva))`
    """
    return (2 * importe_centavos * alicuota + _BASIS + alicuota) // (2 * (_BASIS + alicuota))


def format_ts(moment: datetime) -> str:
    """Return a moment as an event's `ts`, cut to milliseconds.

    Raises `ValueError` for a moment without time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"ts needs a time zone, but {moment!r} has none")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
