"""Typical changes: the files that a person edits, and what must follow from them."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.changes.change import Change

Begin = Callable[[str], Change]

#: Code for `Change.ask`: the sales of a run at noon of a local day, and their last events.
SALES = """
from datetime import UTC, datetime
from include.sales.content import SaleSource
from include.sales.market import load_market

def sold(count, day="2026-11-24"):
    source = SaleSource(load_market(), seed=7, corrida="prueba")
    noon = datetime.fromisoformat(f"{day}T15:00:00+00:00")
    return [source.chain(n, noon)[-1] for n in range(count)]
"""


def test_new_product_is_sold(begin: Begin) -> None:
    change = begin("a product")
    change.add(
        "include/sales/data/products.csv",
        "ALM-900,Yerba mate de prueba 1 kg,Almacén,5000,2100,1,,,assumption,2026-11\n",
    )
    change.run_command()
    code = f"{SALES}\nanswer = any(sale.sku == 'ALM-900' for sale in sold(4096))"
    assert change.ask(code)
    assert "| products | 375 |" in change.read("docs/data-dictionary.md")


def test_new_store_sells(begin: Begin) -> None:
    change = begin("a store")
    change.add(
        "include/sales/data/stores.csv",
        "nordelta,Nordelta,Tigre,Nordelta,Av. de los Lagos 900,AR-B,30-99900900-6,express,200,"
        "8-21,8-21,,assumption,2026-11\n",
    )
    change.run_command()
    code = f"{SALES}\nanswer = any(sale.sucursal == 'Nordelta' for sale in sold(4096))"
    assert change.ask(code)
    assert "| stores | 87 |" in change.read("docs/data-dictionary.md")


def test_new_category_is_sold(begin: Begin) -> None:
    change = begin("a category")
    change.edit(
        "include/sales/data/categories.csv",
        "Almacén,supermercado,27.8",
        "Almacén,supermercado,22.8",
    )
    change.add(
        "include/sales/data/categories.csv", "Dietética,supermercado,5,0.2,4,assumption,2026-11\n"
    )
    change.add(
        "include/sales/data/products.csv",
        "DIE-001,Granola 500 g,Dietética,4200,2100,1,,,assumption,2026-11\n",
    )
    change.run_command()
    code = f"{SALES}\nanswer = any(sale.categoria == 'Dietética' for sale in sold(4096))"
    assert change.ask(code)
    assert "Dietética" in change.read("docs/data-dictionary.md")


def test_new_payment_type_is_used_checked_and_offered(begin: Begin) -> None:
    change = begin("a payment type")
    change.edit(
        "include/sales/event.py", '"transferencia", "qr"', '"transferencia", "cheque", "qr"'
    )
    change.edit(
        "include/sales/data/payments.csv",
        "local,general,transferencia,5,assumption,2025-12\n",
        "local,general,transferencia,2,assumption,2025-12\n"
        "local,general,cheque,3,assumption,2026-11\n",
    )
    change.run_command()
    code = f"""{SALES}
from include.page.library import load_library
from include.sales.event import json_schema
from ventas_airflow.page.live import options
[choices] = [
    parameter.choices
    for query in load_library()
    for parameter in query.parameters
    if query.name == "approval_by_hour" and parameter.name == "tipo_pago"
]
answer = {{
    "sold": any(sale.tipo_pago == "cheque" for sale in sold(4096)),
    "schema": "cheque" in json_schema()["properties"]["tipo_pago"]["enum"],
    "query": "cheque" in choices,
    "filter": "cheque" in options()["pago"],
}}"""
    assert change.ask(code) == {"sold": True, "schema": True, "query": True, "filter": True}
    assert "'cheque'" in change.read("include/druid/sql/checks/domains.sql")
    assert "AS cheque" in change.read("include/druid/sql/checks/payment_mix.sql")


def test_new_platform_sells_and_has_its_column(begin: Begin) -> None:
    change = begin("a platform")
    change.edit(
        "include/sales/event.py",
        '"marketplace", "whatsapp"',
        '"marketplace", "whatsapp", "telefono"',
    )
    change.edit(
        "include/sales/data/platforms.csv",
        "general,local,70,assumption,2025-12\n",
        "general,local,65,assumption,2025-12\ngeneral,telefono,5,assumption,2026-11\n",
    )
    for language, title in (("es", "Teléfono"), ("en", "Phone")):
        change.add_text(language, "page.library.column.telefono", title)
    change.run_command()
    code = f"""{SALES}
from include.page.library import load_library
[query] = [query for query in load_library() if query.name == "platforms_by_hour"]
answer = {{
    "sold": any(sale.plataforma == "telefono" for sale in sold(4096)),
    "column": query.columns[-1].name,
    "chart": query.chart.y[-1],
}}"""
    assert change.ask(code) == {"sold": True, "column": "telefono", "chart": "telefono"}
    assert "`telefono` (number)" in change.read("docs/queries.md")
    assert "'telefono'" in change.read("include/druid/sql/checks/domains.sql")


def test_new_kind_of_incident_is_offered_planted_and_documented(begin: Begin) -> None:
    change = begin("a kind of incident")
    change.add(
        "include/sales/data/incidents.csv",
        "corte_de_mp,La billetera no anda en una ciudad.,emisor,50,100,30,-1,,0.1,,,,,test,2026\n",
    )
    change.run_command()
    code = f"""{SALES}
from include.sales.incidents import Plan
from ventas_airflow import form
market = load_market()
noon = datetime(2026, 11, 24, 15, tzinfo=UTC)
usual = SaleSource(market, seed=7, corrida="prueba")
planned = Plan.read("corte_de_mp; Mercado Pago", market)
source = usual.with_incidents([planned.begun(noon)])
pairs = [(usual.chain(n, noon), source.chain(n, noon)) for n in range(4096)]
lost = [one[0].emisor for one, other in pairs if not other]
dearer = [one[0].emisor for one, other in pairs if other and one != other]
answer = {{
    "lost": sorted(set(lost)),
    "dearer": sorted(set(dearer)),
    "half": 0.4 < len(lost) / (len(lost) + len(dearer)) < 0.6,
    "form": "corte_de_mp" in form.INCIDENTS.param().description,
}}"""
    only = ["Mercado Pago"]
    assert change.ask(code) == {"lost": only, "dearer": only, "half": True, "form": True}
    assert "`corte_de_mp`" in change.read("docs/data-dictionary.md")


def test_provinces_own_holiday_lowers_its_sales(begin: Begin) -> None:
    change = begin("a province's own holiday")
    change.add(
        "include/sales/data/province_holidays.csv",
        "AR-L,2026-11-24,Feriado de prueba,assumption,2026-11\n",
    )
    change.run_command()
    code = """
from datetime import date
from include.sales.demand import Demand
from include.sales.local_time import first_hour
from include.sales.market import load_market
demand = Demand(load_market())
in_store = [demand.at(first_hour(date(2026, 11, day)) + 12)[:, 0].sum() for day in (24, 17)]
answer = [list(demand.on_holiday(date(2026, 11, 24))), in_store[0] / in_store[1]]"""
    where, ratio = change.ask(code)
    assert where == ["AR-L"]
    assert 0.99 < ratio < 1


def test_new_field_is_in_every_event_and_in_druid(begin: Begin) -> None:
    change = begin("a field of the event")
    change.edit(
        "include/sales/event.py",
        "    cliente: Annotated[\n",
        '    barrio: Annotated[str, THE_STORE, Meta(description="Quarter.", min_length=1)]\n'
        "    cliente: Annotated[\n",
    )
    change.edit(
        "include/sales/content.py",
        '            "ciudad": sells.ciudad,\n',
        '            "ciudad": sells.ciudad,\n            "barrio": sells.barrio,\n',
    )
    change.add_text("es", "page.queries.fields.barrio", "Barrio")
    change.run_command()
    code = f"""{SALES}
import numpy
from include.druid.supervisor import dimensions
from include.sales.bulk import BulkEncoder
from include.sales.event import encode, json_schema
source = SaleSource(load_market(), seed=7, corrida="prueba")
noon = datetime(2026, 11, 24, 15, tzinfo=UTC)
answer = {{
    "sold": sold(1)[0].barrio,
    "bulk": source.chain(0, noon)[0].barrio.encode()
    in BulkEncoder(source).encode(0, numpy.array([1000 * int(noon.timestamp())])).values[0],
    "schema": json_schema()["properties"]["barrio"]["description"],
    "column": {{"type": "string", "name": "barrio"}} in dimensions(),
}}"""
    answer = change.ask(code)
    assert answer.pop("sold")
    assert answer == {"bulk": True, "schema": "Quarter.", "column": True}
    assert "COUNT(*) - COUNT(barrio) AS barrio" in change.read("include/druid/sql/checks/nulls.sql")
    domains = change.read("include/druid/sql/checks/domains.sql")
    assert "COUNT(*) FILTER (WHERE barrio = '') AS barrio" in domains
    assert "{column: barrio, minimum: 0, maximum: 0}" in domains
    assert "| `barrio` | Barrio |" in change.read("docs/data-dictionary.md")


def test_new_machine_type_is_sized_and_priced(begin: Begin) -> None:
    change = begin("a VM machine type")
    change.add("include/gcp/machine_types.csv", "n2-standard-24,24,96,test,2026-11-01\n")
    change.run_command()
    assert "| `n2-standard-24` | 24 | 96 |" in change.read("docs/sizing.md")


def test_new_check_is_loaded_and_listed_in_the_runbook(begin: Begin) -> None:
    change = begin("a check")
    change.add(
        "include/druid/sql/checks/refunds.sql",
        """\
-- severity: warning
-- bounds:
--   - {column: reembolsos, maximum: 50}
SELECT COUNT(*) FILTER (WHERE estado = 'reembolsada') AS reembolsos FROM "{datasource}"
""",
    )
    change.edit(
        "docs/operations.md",
        "| *Ritmo de las ventas* (",
        "| *Reembolsos* (Refunds) | warning | many refunds | ask the stores |\n"
        "| *Ritmo de las ventas* (",
    )
    for language in ("es", "en"):
        change.add_text(language, "check.refunds.title", "Reembolsos")
        change.add_text(language, "check.refunds.description", "Eventos de reembolso.")
    code = (
        "from include.druid.checks import load_checks\nanswer = [it.title for it in load_checks()]"
    )
    assert "Reembolsos" in change.ask(code)


def test_new_query_is_offered_and_documented(begin: Begin) -> None:
    change = begin("a query of «Consultas», with its chart")
    change.add(
        "include/page/sql/library/cities.sql",
        """\
-- columns:
--   - {name: ciudad, kind: text}
--   - {name: ventas, kind: number}
-- chart: {kind: bar, x: ciudad, y: [ventas]}
SELECT ciudad, COUNT(*) AS ventas FROM "{datasource}" WHERE estado = 'pendiente' GROUP BY 1
""",
    )
    for language in ("es", "en"):
        change.add_text(language, "page.library.query.cities.title", "Cities")
        change.add_text(language, "page.library.query.cities.description", "Sales by city.")
        change.add_text(language, "page.library.column.ciudad", "City")
    change.run_command()
    code = (
        "from include.page.library import load_library\nanswer = [it.name for it in load_library()]"
    )
    assert "cities" in change.ask(code)
    assert "## Cities" in change.read("docs/queries.md")


def test_new_card_shows_sales_by_city(begin: Begin) -> None:
    change = begin("a card of bars on the live page")
    change.edit(
        "include/page/overview.py",
        '    "platforms": Shares("places", "plataforma"),\n',
        '    "platforms": Shares("places", "plataforma"),\n'
        '    "cities": Shares("places", "ciudad"),\n',
    )
    page = "plugins/ventas_airflow/page/static"
    change.edit(
        f"{page}/views/live.js",
        "const SHARES = {\n",
        'const SHARES = {\n  cities: { section: "cities" },\n',
    )
    change.edit(
        f"{page}/views/live.js", '"stores", "categories"]', '"stores", "cities", "categories"]'
    )
    change.edit(
        "texts/es.json", '"stores": "Sucursales",', '"stores": "Sucursales", "cities": "Ciudades",'
    )
    change.edit("texts/en.json", '"stores": "Stores",', '"stores": "Stores", "cities": "Cities",')
    code = """
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from include.page.filters import parse_filters
from include.page.overview import Memory, overview

class Druid:
    def sql(self, query, parameters, timeout, context=None):
        if "ciudad" not in query or "LIMIT" in query:
            return []
        row = {"provincia": "Salta", "sucursal": "Salta Centro", "plataforma": "web"}
        return [{**row, "ciudad": "Salta", "estado": "pendiente", "events": 3, "amount": 9}]

filters, now = parse_filters({"rango": "24h"}), datetime(2026, 11, 24, 15, tzinfo=UTC)
found = overview(Druid(), "ventas", filters, now, ThreadPoolExecutor(2), Memory())
[card] = found["cities"]
answer = [card["name"], card["sales"]]"""
    assert change.ask(code) == ["Salta", 3]


def test_new_finding_is_reported(begin: Begin) -> None:
    change = begin("a finding of «Qué hacer»")
    change.edit(
        "include/page/findings/report.py",
        '"promotion", "volume"]',
        '"promotion", "volume", "busy"]',
    )
    change.add(
        "include/page/findings/rules/busy.py",
        """\
from include.page.findings.report import Finding, Missing
from include.page.findings.rules.rule import Judged, Rule
from include.page.findings.tables_of_look import LookTables

def _judge(tables: LookTables) -> Judged | Missing:
    found = Finding("busy", "info", "many", "staff", {}, {"p": 0.0}, "payments")
    return Judged("busy", [found], tests=1)

RULE = Rule(_judge)
""",
    )
    change.edit("texts/es.json", '"approval": "la', '"busy": "la cantidad", "approval": "la')
    change.edit("texts/en.json", '"approval": "app', '"busy": "the number", "approval": "app')
    code = """
from datetime import UTC, datetime
from include.page.findings.judge import judge
from include.texts import text
report = judge({"payments": {}}, datetime(2026, 11, 24, 15, tzinfo=UTC))
answer = [[it.kind for it in report.findings], text("page.findings.kinds.busy", "es")]"""
    assert change.ask(code) == [["busy"], "la cantidad"]


def test_new_case_is_scored(begin: Begin) -> None:
    change = begin("a case of `./ventas score`")
    change.edit(
        "commands/score/technical.csv",
        "medio_unico,",
        "provincia_vacia,nulls,UPDATE registros SET provincia = NULL\nmedio_unico,",
    )
    told = change.run("./ventas score --kinds provincia_vacia --seeds 1 --json")
    assert '"kind":"provincia_vacia","judged":true,"runs":1,"found":1' in told


def test_new_bench_peer_can_be_measured(begin: Begin) -> None:
    change = begin("a bench peer")
    change.add(
        "commands/bench/kcat.py",
        '"""Measure the events per second of kcat."""\n',
    )
    change.edit(
        "commands/bench/parts.py",
        '        Part(\n            "faker",\n',
        '        Part("kcat", "commands.bench.kcat", (), ()),\n'
        '        Part(\n            "faker",\n',
    )
    for texts in ("texts/es.json", "texts/en.json"):
        change.edit(texts, '        "faker": ', '        "kcat": "kcat",\n        "faker": ')
    told = change.run("./ventas bench --help")
    assert "  kcat       the events per second of kcat" in told


def test_default_gaps_are_those_of_the_form_and_of_the_check(begin: Begin) -> None:
    change = begin("the default gaps between sales")
    change.edit("include/names.py", "MAXIMUM_GAP: Final = 2.0", "MAXIMUM_GAP: Final = 5.0")
    cadence = "include/druid/sql/checks/cadence.sql"
    change.edit(cadence, "pausa_maxima, maximum: 15", "pausa_maxima, maximum: 40")
    code = """
from include.druid.checks import load_checks
from ventas_airflow.form import MAXIMUM
[check] = [check for check in load_checks() if check.name == "cadence"]
answer = [MAXIMUM.default, check.bounds[-1].maximum]"""
    assert change.ask(code) == [5, 40]


def test_retention_reaches_the_rules_of_druid(begin: Begin) -> None:
    change = begin("how long Kafka keeps sales and ledger, and Druid a day")
    change.edit("include/names.py", "timedelta(days=400)", "timedelta(days=100)")
    code = "from include.druid import housekeeping\nanswer = housekeeping.retention_rules()"
    assert change.ask(code)[0]["period"] == "P100D"


def test_renamed_topic_and_datasource_are_used_everywhere(begin: Begin) -> None:
    change = begin("the names of topic, ledger and datasource")
    change.edit("include/names.py", '\nTOPIC: Final = "ventas"', '\nTOPIC: Final = "tienda"')
    change.edit("include/names.py", 'DATASOURCE: Final = "ventas"', 'DATASOURCE: Final = "filas"')
    change.run_command()
    code = "from ventas_airflow.sales import TOPICS\nanswer = list(TOPICS)"
    assert change.ask(code) == ["tienda", "tienda.ledger"]
    assert "group `druid-filas`" in change.read("docs/acls.md")
    assert "`tienda.ledger`" in change.read("docs/data-dictionary.md")


def test_new_file_of_texts_is_a_new_language(begin: Begin) -> None:
    change = begin("a language")
    portuguese = json.loads(change.read("texts/en.json")) | {"language": "Português"}
    portuguese["page"]["live"]["all"] = "Todas as lojas"
    change.add("texts/pt.json", json.dumps(portuguese, ensure_ascii=False))
    code = """
from include import texts
answer = [texts.languages(), texts.text("page.live.all", "pt")]"""
    assert change.ask(code) == [["es", "en", "pt"], "Todas as lojas"]


def test_new_chaos_scenario_can_be_run(begin: Begin) -> None:
    change = begin("a chaos scenario")
    change.edit(
        "commands/chaos/scenarios.py",
        '    "zookeeper": Scenario(',
        '    "router": Scenario("Druid\'s router killed", _killing("router")),\n'
        '    "zookeeper": Scenario(',
    )
    assert "router        Druid's router killed" in change.run("./ventas chaos --help")
