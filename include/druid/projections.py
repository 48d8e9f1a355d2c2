"""Sums of each hour that Druid stores in a compacted segment, beside its rows ("projections").

Druid reads a projection instead of the rows if the projection has every column that a query groups
by, filters by and sums. Compaction makes them, so ingestion pays nothing; a late event makes Druid
compact its day again, and until then Druid reads the rows of the event's new segment.

Three faults of Druid 33.0.0, corrected in later versions, decide how a projection is written and
who may read it:

- A segment gets the values of one column under the name of another unless the columns are in the
  order of the Java `HashMap` that holds them (apache/druid#18380): `_in_hash_order`.
- A query that does not begin and end at a whole hour leaves out the whole first hour, or adds the
  whole last one (#18486). So the broker's default is to read no projection (`runtime`), and only
  a query of whole hours has the context `USE_PROJECTIONS`.
- The time column is lost unless it has the name that Druid's engine gives it (#18215): `__gran`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from include.sales.event import FIELDS

USE_PROJECTIONS: Final[Mapping[str, object]] = {"noProjections": False}
"""Query context of a query that begins and ends at whole hours and groups by no finer time."""

_GROUPS: Final[Mapping[str, Sequence[str]]] = {
    "places": ("provincia", "ciudad", "sucursal", "plataforma"),
    "products": ("categoria", "producto"),
    "payments": ("tipo_pago", "emisor", "cuotas"),
}
"""Columns of each projection, apart from the hour and `estado`."""

_SUMS: Final = ("importe_centavos", "descuento_centavos", "cantidad")

_HOUR: Final = "__gran"


def projections() -> list[dict[str, Any]]:
    """Return the projections as Druid's compaction takes them."""
    return [_projection(name, [*columns, "estado"]) for name, columns in _GROUPS.items()]


def _projection(name: str, columns: Sequence[str]) -> dict[str, Any]:
    kinds = {field.name: field.kind for field in FIELDS}
    grouped = [{"type": kinds[column], "name": column} for column in _in_hash_order(columns)]
    return {
        "type": "aggregate",
        "name": name,
        "virtualColumns": [
            {
                "type": "expression",
                "name": _HOUR,
                "expression": "timestamp_floor(__time,'PT1H')",
                "outputType": "LONG",
            }
        ],
        "groupingColumns": [{"type": "long", "name": _HOUR}, *grouped],
        "aggregators": [
            {"type": "count", "name": "events"},
            *({"type": "longSum", "name": f"sum_{name}", "fieldName": name} for name in _SUMS),
        ],
    }


def _in_hash_order(names: Sequence[str]) -> list[str]:
    """Sort names into the order in which a Java `HashMap` of at most 12 of them iterates."""

    def bucket(name: str) -> int:
        code = 0
        for letter in name:
            code = (31 * code + ord(letter)) & 0xFFFFFFFF
        return (code ^ (code >> 16)) & 15

    return sorted(names, key=bucket)
