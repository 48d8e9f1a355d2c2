"""Exact sums over events: what a ledger entry holds, and what Druid must hold."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from include.sales.event import Venta


class Sums(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sums over events; money in centavos."""

    eventos: int = 0
    unidades: int = 0
    importe_centavos: int = 0
    iva_centavos: int = 0
    descuento_centavos: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.eventos + other.eventos,
            self.unidades + other.unidades,
            self.importe_centavos + other.importe_centavos,
            self.iva_centavos + other.iva_centavos,
            self.descuento_centavos + other.descuento_centavos,
        )


class Cell(NamedTuple):
    """Key of the sums: run, UTC minute of event time (``2026-11-24T12:00:00Z``), state.

    Each state of a ledger entry belongs to exactly one cell, and so does each row of Druid, unless
    a foreign record has a list as its run or state.
    """

    corrida: str
    minuto: str
    estado: str


def sums_of(sale: Venta) -> Sums:
    return Sums(
        eventos=1,
        unidades=sale.cantidad,
        importe_centavos=sale.importe_centavos,
        iva_centavos=sale.iva_centavos,
        descuento_centavos=sale.descuento_centavos,
    )


def added(one: Mapping[str, Sums], other: Mapping[str, Sums]) -> dict[str, Sums]:
    return {state: one.get(state, Sums()) + other.get(state, Sums()) for state in {**one, **other}}
