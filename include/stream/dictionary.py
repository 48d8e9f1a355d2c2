"""Generate the data dictionary, docs/data-dictionary.md.

`dictionary.template` is the page without its tables. `dictionary.csv` adds what the code does not
tell about the ledger's fields: units and descriptions.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Any, Final

import msgspec

from include.names import DATASOURCE, LEDGER_TOPIC, TOPIC
from include.sales.content import SaleSource
from include.sales.event import ESTADOS, FIELDS, PLATAFORMAS, TIPOS_PAGO, Venta
from include.sales.faults import FATES
from include.sales.incident_tables import EFFECTS, IncidentKind
from include.sales.incidents import Incident
from include.sales.market import Market
from include.sales.sums import Sums
from include.stream.ledger import LedgerEntry, encode, entries_for
from include.texts import text

_PAGE: Final = Path(__file__).with_name("dictionary.template")
_FACTS: Final = Path(__file__).with_name("dictionary.csv")

_EXAMPLE_SEED: Final = 2026
_EXAMPLE_MOMENT: Final = datetime(2026, 11, 24, 15, tzinfo=UTC)


def render(market: Market) -> str:
    """Return the page as Markdown; raises `KeyError` for a field missing in `dictionary.csv`."""
    facts = _read_facts()
    sale = _example(market)
    return Template(_PAGE.read_text(encoding="utf-8")).substitute(
        topic=TOPIC,
        ledger_topic=LEDGER_TOPIC,
        datasource=DATASOURCE,
        event_table=_event_table(sale[-1]),
        values_table=_values_table(market),
        states_table=_states_table(market),
        reasons_table=_reasons_table(market),
        sums_table=_record_table(Sums, facts["sums"]),
        entry_table=_record_table(LedgerEntry, facts["ledger"]),
        incident_table=_record_table(Incident, facts["incident"]),
        kinds_table=_kinds_table(market),
        entry_example=_json(encode(entries_for(sale, _EXAMPLE_SEED)[0])),
        fates_table=_table(("kind", "Druid counts it as"), _code_rows(FATES.items())),
        catalogue_table=_catalogue_table(market),
    )


def _example(market: Market) -> tuple[Venta, ...]:
    """Return the events of the first sale whose last event has no field that is empty or 0.

    Only a rejection has `motivo`, so that last event is a rejection.
    """
    source = SaleSource(market, _EXAMPLE_SEED, corrida="ejemplo")
    chains = (source.chain(n, _EXAMPLE_MOMENT) for n in range(10_000))
    return next(chain for chain in chains if all(msgspec.structs.astuple(chain[-1])))


def _read_facts() -> dict[str, dict[str, dict[str, str]]]:
    facts: dict[str, dict[str, dict[str, str]]] = {}
    with _FACTS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            facts.setdefault(row["record"], {})[row["field"]] = row
    return facts


def _event_table(example: Venta) -> str:
    rows = [
        (
            f"`{field.name}`",
            text(f"page.queries.fields.{'__time' if field.name == 'ts' else field.name}", "es"),
            _json_type(field.schema),
            "`__time` TIMESTAMP" if field.name == "ts" else _DRUID_TYPES[field.kind],
            field.unit,
            f"`{getattr(example, field.name)}`",
        )
        for field in FIELDS
    ]
    return _table(("field", "in Spanish", "JSON", "Druid", "unit", "example"), rows)


_DRUID_TYPES: Final = {"string": "VARCHAR", "long": "BIGINT"}
"""Druid SQL's name for each type of the ingestion spec."""


def _json_type(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        kind = "integer" if isinstance(schema["enum"][0], int) else "string"
        return f"{kind}, one of {len(schema['enum'])}"
    if "minimum" in schema:
        return f"{schema['type']} ≥ {schema['minimum']}"
    return "string" if schema.get("minLength") or "pattern" in schema else "string, may be empty"


def _values_table(market: Market) -> str:
    values = _values(market)
    rows = [
        (f"`{field.name}`", field.description, values.get(field.name, ""), field.set_by)
        for field in FIELDS
    ]
    return _table(("field", "what it is", "values in the market's data", "set by"), rows)


def _values(market: Market) -> dict[str, str]:
    prices = [product.precio_centavos for product in market.products]
    percents = sorted(
        {row.percent for row in market.discounts} | {row.percent for row in market.promotions}
    )
    most_units = max(category.max_units for category in market.categories)
    counts = {row.cuotas for row in market.instalments}
    issuers = {
        tipo: [row.emisor for row in market.issuers if row.tipo_pago == tipo] for tipo in TIPOS_PAGO
    }
    return {
        "sucursal": f"{len(market.stores)} of `stores.csv`",
        "provincia": f"{len(market.provinces)} of `provinces.csv`",
        "ciudad": f"{len({store.ciudad for store in market.stores})} of `stores.csv`",
        "producto": f"{len(market.products)} of `products.csv`",
        "sku": f"{len(market.products)} of `products.csv`",
        "categoria": _listed(category.categoria for category in market.categories),
        "cantidad": f"1 to {most_units}, by category (`categories.csv`)",
        "precio_unitario_centavos": f"{min(prices)} to {max(prices)}",
        "descuento_centavos": f"of the price, rounded down: {_numbers(percents)} %",
        "alicuota_iva": _numbers({product.alicuota_iva for product in market.products}),
        "tipo_pago": _listed(TIPOS_PAGO),
        "cuotas": f"{_numbers(counts)}; more than 1 with `credito` only",
        "emisor": "; ".join(
            f"`{tipo}`: {_listed(names)}" for tipo, names in issuers.items() if names
        ),
        "estado": "[States](#states)",
        "motivo": "[Reasons](#reasons)",
        "plataforma": _listed(PLATAFORMAS),
    }


def _states_table(market: Market) -> str:
    rows = [
        (f"`{estado}`", *(_decided(market, estado) or _returned(market, estado) or _BEGINS))
        for estado in ESTADOS
    ]
    return _table(("`estado`", "follows", "when"), rows)


_BEGINS: Final = ("nothing", "the sale begins")


def _decided(market: Market, estado: str) -> tuple[str, str] | None:
    if estado == "pendiente":
        return None
    paid_by = {row.tipo_pago for row in market.outcomes if row.estado == estado and row.share}
    rows = [row for row in market.decisions if row.tipo_pago in paid_by]
    if not rows:
        return None
    least, most = min(row.desde_segundos for row in rows), max(row.hasta_segundos for row in rows)
    return "`pendiente`", f"{least:g} to {most:g} s after it, by `tipo_pago` (`decisions.csv`)"


def _returned(market: Market, estado: str) -> tuple[str, str] | None:
    rows = [row for row in market.returns if row.estado == estado]
    if not rows:
        return None
    least, most = min(row.desde_dias for row in rows), max(row.hasta_dias for row in rows)
    by = "by channel and `tipo_pago` (`returns.csv`)"
    return "`aprobada`", f"{least:g} to {most:g} days after it, {by}"


def _reasons_table(market: Market) -> str:
    rows = []
    for tipo in TIPOS_PAGO:
        reasons = [row.motivo for row in market.rejections if row.tipo_pago == tipo]
        rows.append((f"`{tipo}`", _listed(reasons, code=True) or "never rejected"))
    return _table(("`tipo_pago`", "`motivo` of a `rechazada`"), rows)


def _record_table(record: type[msgspec.Struct], facts: Mapping[str, Mapping[str, str]]) -> str:
    rows = [
        (
            f"`{field.name}`",
            _record_type(field.type),
            facts[field.name]["unit"],
            facts[field.name]["description"],
        )
        for field in msgspec.structs.fields(record)
    ]
    return _table(("field", "JSON", "unit", "what it is"), rows)


def _record_type(kind: object) -> str:
    names: dict[object, str] = {
        str: "string",
        int: "integer",
        float: "number",
        dict[str, int]: "object of integers",
        dict[str, Sums]: "object of sums",
        tuple[Incident, ...]: "array of incidents",
    }
    return names[kind]


def _kinds_table(market: Market) -> str:
    rows = [
        (
            f"`{kind.incidente}`",
            kind.descripcion,
            _listed(kind.fields, code=True) or "all sales",
            _changes(kind),
            f"up to {kind.maximo:g} %",
            f"{kind.minutos:g} min",
        )
        for kind in market.incidents
    ]
    return _table(("`tipo`", "in Spanish", "subject", "usual change", "size", "usual length"), rows)


def _changes(kind: IncidentKind) -> str:
    """Return the changes that an incident of the usual size makes, such as `precio` +15 %."""
    changes = [(effect.name, kind.change(effect, kind.tamano)) for effect in EFFECTS]
    return ", ".join(f"`{name}` {change:+g} %" for name, change in changes if change)


def _catalogue_table(market: Market) -> str:
    names = ("provinces", "stores", "groups", "categories", "products", "promotions")
    rows = [
        (name, str(len(getattr(market, name))), f"`include/sales/data/{name}.csv`")
        for name in names
    ]
    return _table(("what", "lines", "file"), rows)


def _listed(names: Iterable[str], *, code: bool = False) -> str:
    return ", ".join(f"`{name}`" if code else name for name in dict.fromkeys(names))


def _numbers(values: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(values)))


def _code_rows(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, ...]]:
    return [tuple(f"`{cell}`" for cell in pair) for pair in pairs]


def _json(data: bytes) -> str:
    return f"```json\n{msgspec.json.format(data, indent=2).decode()}\n```"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
