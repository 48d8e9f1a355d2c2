"""Write the event's fields, payment types and platforms into the SQL files that list them.

The files stay complete SQL that people read, change and run. `./ventas docs` rewrites only their
lists; it keeps the severities and the bounds of the shares.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from include.druid.checks import CHECKS
from include.druid.supervisor import TIMESTAMP
from include.page.library import LIBRARY
from include.sales.event import FIELDS, PLATAFORMAS, TIPOS_PAGO, TIPOS_PAGO_CON_EMISOR, Field

_LONGEST: Final = 100
_FIELDS: Final = tuple(field for field in FIELDS if field.name != TIMESTAMP)


def files() -> Mapping[Path, str]:
    found = {
        CHECKS / "nulls.sql": _nulls,
        CHECKS / "domains.sql": _domains,
        CHECKS / "cross_fields.sql": _cross_fields,
        CHECKS / "payment_mix.sql": _payment_mix,
        LIBRARY / "approval_by_hour.sql": _approval_by_hour,
        LIBRARY / "platforms_by_hour.sql": _platforms_by_hour,
    }
    return {path: write(path.read_text(encoding="utf-8")) for path, write in found.items()}


def _nulls(text: str) -> str:
    names = [field.name for field in _FIELDS]
    columns = [f"COUNT(*) - COUNT({name}) AS {name}" for name in names]
    return _with_columns(_with_bounds(text, names), ["COUNT(*) AS ventas", *columns])


def _domains(text: str) -> str:
    outside = {field.name: _outside(field) for field in _FIELDS}
    columns = [_counted(where, name) for name, where in outside.items() if where]
    names = [name for name, where in outside.items() if where]
    return _with_columns(_with_bounds(text, names), ["COUNT(*) AS ventas", *columns])


def _outside(field: Field) -> str:
    """Return the SQL condition for values outside the schema; "" if every value is valid."""
    if "enum" in field.schema:
        return f"{field.name} NOT IN {_listed(field.schema['enum'])}"
    if "minimum" in field.schema:
        return f"{field.name} < {field.schema['minimum']}"
    return f"{field.name} = ''" if field.schema.get("minLength") else ""


def _cross_fields(text: str) -> str:
    return re.sub(
        r"(tipo_pago (?:NOT )?IN) \([^)]*\)", rf"\1 {_listed(TIPOS_PAGO_CON_EMISOR)}", text
    )


def _payment_mix(text: str) -> str:
    shares = [
        _wrapped(
            f"100.0 * COUNT(*) FILTER (WHERE tipo_pago = '{tipo}') / NULLIF(COUNT(*), 0)",
            f"AS {tipo}",
        )
        for tipo in TIPOS_PAGO
    ]
    return _with_columns(text, ["COUNT(*) AS ventas", *shares])


def _approval_by_hour(text: str) -> str:
    """Write the choices of the parameter; `todos` comes first."""
    return re.sub(
        r"\btodos(\W+)\w+(?:\1\w+)+", lambda found: found[1].join(["todos", *TIPOS_PAGO]), text
    )


def _platforms_by_hour(text: str) -> str:
    """Write a column for each platform; a new one gets the header line of `web`, renamed."""
    in_store, *online = PLATAFORMAS
    [own] = re.findall(r"^--.*\bname: web\b.*\n", text, re.MULTILINE)
    lines = [own.replace("web", name) for name in online]
    new = [line for name, line in zip(online, lines, strict=True) if name not in text]
    text = re.sub(r"(?=^-- chart)", "".join(new), text, flags=re.MULTILINE)
    text = re.sub(r"\ben_local, web(?:, \w+)*", ", ".join(["en_local", *online]), text)
    named = {in_store: "en_local", **{name: name for name in online}}
    hour = "TIME_EXTRACT(__time, 'HOUR', 'America/Argentina/Buenos_Aires') AS hora"
    counts = [_counted(f"plataforma = '{value}'", name) for value, name in named.items()]
    return _with_columns(text, [hour, *counts])


def _with_columns(text: str, columns: Iterable[str]) -> str:
    """Replace the columns between the first SELECT and its FROM."""
    head, rest = text.split("SELECT\n", 1)
    tail = rest.split("\nFROM ", 1)[1]
    return head + "SELECT\n  " + ",\n  ".join(columns) + "\nFROM " + tail


def _with_bounds(text: str, names: Iterable[str]) -> str:
    """Replace the header's bounds by one line for each name, a copy of the first one."""
    first = FIELDS[0].name
    [line] = re.findall(rf"^--.*\b{first}\b.*\n", text, re.MULTILINE)
    alike = re.escape(line).replace(first, r"\w+")
    return re.sub(rf"(?:{alike})+", "".join(line.replace(first, name) for name in names), text)


def _counted(where: str, name: str) -> str:
    column = f"COUNT(*) FILTER (WHERE {where}) AS {name}"
    if len(column) < _LONGEST - 2:
        return column
    return f"COUNT(*) FILTER (\n    WHERE {where}\n  ) AS {name}"


def _wrapped(expression: str, name: str) -> str:
    column = f"{expression} {name}"
    return column if len(column) < _LONGEST - 2 else f"{expression}\n    {name}"


def _listed(values: Iterable[object]) -> str:
    return f"({', '.join(repr(value) for value in values)})"
