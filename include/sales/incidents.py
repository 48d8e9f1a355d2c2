"""Incidents of business on purpose: the incidents of a run, and the sales that they concern.

The kinds are the lines of incidents.csv. `incident_effects` says what they change.
"""

import difflib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, Self

import msgspec

from include.sales.event import PLATAFORMAS, TIPOS_PAGO, format_ts
from include.sales.incident_tables import SUBJECT_COLUMNS, IncidentKind
from include.sales.market import Market
from include.sales.tables import Store
from include.texts import InputError

OMITTED: Final = "omitida"
"""Name of the sales that incidents prevent, where a check names faults."""

LONGEST_MINUTES: Final = 366 * 24 * 60
"""The most minutes until an incident begins, and that it lasts."""

_AND: Final = " + "


class Incident(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An incident of a run, as the ledger holds it."""

    tipo: str
    sujeto: str
    """Values of the event's fields, joined by ` + `: the sale has all of them. "": every sale."""
    tamano: float
    desde: str
    """First moment, as the `ts` of an event."""
    minutos: float


class Plan(NamedTuple):
    """An incident that begins some minutes after its run."""

    tipo: str
    sujeto: str
    tamano: float
    after: float
    """Minutes from the run's beginning to the incident's."""
    minutos: float

    @classmethod
    def read(cls, line: str, market: Market) -> Self:
        """Read `kind; subject; size; minutes until it begins; minutes that it lasts`.

        A blank or missing part takes the kind's value; an incident without a beginning begins with
        its run. Raises `InputError`.
        """
        parts = [part.strip() for part in line.split(";")]
        if len(parts) > len(cls._fields):
            raise InputError("refusal.incident.parts", value=line)
        parts += [""] * (len(cls._fields) - len(parts))
        kind = kind_of(market, parts[0])
        return cls(
            kind.incidente,
            _AND.join(value for _, value in subject_of(market, kind, parts[1])),
            _number("size", kind, parts[2], kind.tamano, 0, kind.maximo),
            _number("after", kind, parts[3], 0.0, 0, LONGEST_MINUTES),
            _number("minutes", kind, parts[4], kind.minutos, 1, LONGEST_MINUTES),
        )

    def begun(self, begins: datetime) -> Incident:
        """Return the incident of a run that begins at a moment."""
        desde = format_ts(begins + timedelta(minutes=self.after))
        return Incident(self.tipo, self.sujeto, self.tamano, desde, self.minutos)


def kind_of(market: Market, name: str) -> IncidentKind:
    """Return the kind of this name; raises `InputError`."""
    for kind in market.incidents:
        if kind.incidente == name:
            return kind
    kinds = ", ".join(kind.incidente for kind in market.incidents)
    raise InputError("refusal.incident.kind", value=name, kinds=kinds)


def subject_of(market: Market, kind: IncidentKind, subject: str) -> list[tuple[str, str]]:
    """Return the field and the value of each part of a subject; the case of letters is ignored.

    Raises `InputError`.
    """
    parts = [part.strip() for part in subject.split(_AND)] if subject else []
    named = {"kind": kind.incidente, "fields": ", ".join(kind.fields), "value": subject}
    if not kind.fields and parts:
        raise InputError("refusal.incident.no_subject", **named)
    if kind.fields and not parts:
        raise InputError("refusal.incident.subject", **named)
    # If several fields have the same value, the first one named by the kind counts.
    known = {
        value.casefold(): (field, value)
        for field in reversed(kind.fields)
        for value in values_of(market, market.stores, field)
        if value
    }
    for part in parts:
        if part.casefold() not in known:
            close = difflib.get_close_matches(part.casefold(), known, n=3)
            similar = ", ".join(known[name][1] for name in close) or "—"
            raise InputError(
                "refusal.incident.unknown", **{**named, "value": part}, similar=similar
            )
    return [known[part.casefold()] for part in parts]


def values_of(market: Market, stores: Sequence[Store], field: str) -> Sequence[str]:
    """Return a field's value at each position of its column in a run of some stores."""
    rows: dict[str, Sequence[Any]] = {"store": stores, "product": market.products}
    column = SUBJECT_COLUMNS[field]
    if field == "provincia":
        names = {row.code: row.provincia for row in market.provinces}
        return [names[store.province] for store in stores]
    if column in rows:
        return [getattr(row, field) for row in rows[column]]
    return {
        "payment": TIPOS_PAGO,
        "issuer": issuers_of(market),
        "platform": PLATAFORMAS,
    }[column]


def issuers_of(market: Market) -> list[str]:
    """Return the issuers in the order of their positions; the first is "": none."""
    return ["", *dict.fromkeys(row.emisor for row in market.issuers)]


def _number(
    part: str, kind: IncidentKind, value: str, default: float, least: float, most: float
) -> float:
    try:
        number = float(value.replace(",", ".")) if value else default
    except ValueError:
        number = float("nan")
    if not least <= number <= most:
        raise InputError(
            f"refusal.incident.{part}",
            kind=kind.incidente,
            minimum=f"{least:g}",
            maximum=f"{most:g}",
            value=value,
        )
    return number
