"""Row type of incidents.csv, as in `tables.py`: the kinds of incidents that a run can plant."""

from typing import Annotated, Final, NamedTuple

from msgspec import Meta

from include.sales.tables import Row, Slug, Text

Percent = Annotated[float, Meta(ge=0, le=10_000)]
PerSize = Annotated[float, Meta(ge=-100, le=100)]

SUBJECT_COLUMNS: Final = {
    "sucursal": "store",
    "ciudad": "store",
    "provincia": "store",
    "producto": "product",
    "categoria": "product",
    "tipo_pago": "payment",
    "emisor": "issuer",
    "plataforma": "platform",
}
"""The event's fields that a subject may name, with the column of `Drawn` that decides each."""


class Effect(NamedTuple):
    """A change in percent that the incidents can make to the sales of a subject."""

    name: str
    least: int
    most: int
    """Limits of the change."""
    sign: int = 1
    """1: the percentage is added to the usual 100 %; −1: it is taken from them."""


EFFECTS: Final = (
    Effect("ventas", -100, 2000),
    Effect("unidades", 0, 400),
    Effect("precio", -90, 800),
    Effect("descuento", 0, 90, sign=-1),
    Effect("aprobacion", -100, 0),
    Effect("reembolsos", 0, 100, sign=-1),
    Effect("contracargos", 0, 100, sign=-1),
)


class IncidentKind(Row, frozen=True, kw_only=True):
    """incidents.csv: a kind of incident, made of effects on the sales of its subject.

    `sujetos` are the event's fields that the subject may name, separated by spaces; blank: the
    incident concerns all sales. `tamano` is the size in percent if the user gives none, `maximo`
    the greatest one, and `minutos` the length if the user gives none. The columns of `EFFECTS` are
    percent per percent of the size; blank: no such effect.
    """

    incidente: Slug
    descripcion: Text
    sujetos: str = ""
    tamano: Percent
    maximo: Percent
    minutos: Annotated[float, Meta(gt=0)]
    ventas: PerSize = 0
    unidades: PerSize = 0
    precio: PerSize = 0
    descuento: PerSize = 0
    aprobacion: PerSize = 0
    reembolsos: PerSize = 0
    contracargos: PerSize = 0

    @property
    def fields(self) -> list[str]:
        """The event's fields that the subject may name."""
        return self.sujetos.split()

    def change(self, effect: Effect, size: float) -> float:
        """Return the change in percent that an incident of a size makes."""
        per_size: float = getattr(self, effect.name)
        return per_size * size
