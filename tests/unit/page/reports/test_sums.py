"""The numbers of a day's report, from rows and findings."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.page.findings.report import Finding, Kind, Missing, Report
from include.page.measures import Measures
from include.page.reports.day import Compared, Quality, Returns
from include.page.reports.sums import MOST, hours_with_sales, report_of
from include.sales.content import SaleSource
from include.sales.event import Venta
from include.sales.local_time import epoch_ms
from include.sales.market import load_market
from tests.support.day_report import hours_of, rows_of

START = datetime(2026, 11, 24, 3, tzinfo=UTC)
END = START + timedelta(hours=18)
QUALITY = Quality("r1", reconciled=True, committed=1)


@pytest.fixture(scope="module")
def sales() -> list[Venta]:
    """Sales of two stores in nine hours of the day, the day before and a week before."""
    market, stores = load_market(), ("palermo", "san-justo")
    return [
        event
        for days, count in ((0, 120), (1, 80), (7, 40))
        for source in [SaleSource(market, 5, f"hace {days}", stores, seconds_per_day=60)]
        for n in range(count)
        for event in source.chain(
            n, END - timedelta(days=days) - timedelta(hours=9) * (count - n) / count
        )
    ]


@pytest.fixture
def made(sales: list[Venta]) -> dict[str, Any]:
    """Arguments of `report_of` for the sales."""
    return {
        "start": epoch_ms(START),
        "end": epoch_ms(END),
        "hours": hours_of(sales, START, END),
        "payments": rows_of("payments", sales, START, END),
        "products": rows_of("products", sales, START, END),
        "looks": [],
        "quality": QUALITY,
    }


def measured(sales: list[Venta], days: int = 0, **fields: Any) -> Measures:
    """Return the measures of the sales of a day that have some values."""
    shift = timedelta(days=days)
    some = [
        sale
        for sale in sales
        if START - shift <= datetime.fromisoformat(sale.ts) < END - shift
        and all(getattr(sale, name) == value for name, value in fields.items())
    ]
    states = ("pendiente", "aprobada", "rechazada", "reembolsada", "contracargo")
    counts = [sum(sale.estado == state for sale in some) for state in states]
    revenue = sum(sale.importe_centavos for sale in some if sale.estado == "aprobada")
    return Measures._make([*counts, revenue])


def test_sums_equal_those_of_the_sales(sales: list[Venta], made: dict[str, Any]) -> None:
    report = report_of(**made)
    assert report.total == Compared(*(measured(sales, days) for days in (0, 1, 7)))
    assert report.total.today.sales > 100 > report.total.week_before.sales > 0
    for store in report.stores:
        of: dict[str, Any] = {"sucursal": store.name}
        assert store.total == Compared(*(measured(sales, days, **of) for days in (0, 1, 7)))
        for payment in store.payments:
            assert payment.measures == measured(sales, tipo_pago=payment.name, **of)
    for name in ("stores", "payments", "issuers", "instalments"):
        assert {it.name for it in getattr(report, name)}, name
    for issuer in report.issuers:
        assert issuer.measures == measured(sales, emisor=issuer.name, tipo_pago=issuer.of)
    for it in report.instalments:
        assert it.measures == measured(sales, tipo_pago="credito", cuotas=int(it.name))
    for product in report.products:
        of = {"producto": product.name, "categoria": product.of}
        assert product.measures.revenue_centavos == measured(sales, **of).revenue_centavos


def test_hours_have_no_gap_and_add_up_to_the_day(made: dict[str, Any]) -> None:
    report = report_of(**made)
    hours = [hour.hour for hour in report.hours]
    assert hours == [*range(hours[0], hours[-1] + 1)]
    assert sum(hour.compared.today.sales for hour in report.hours) == report.total.today.sales
    assert hours_with_sales(made["hours"][0]) == [*range(9, 18)]


def test_lists_begin_with_the_most_revenue(made: dict[str, Any]) -> None:
    report = report_of(**made)
    for named in (report.payments, report.issuers, report.products):
        revenue = [it.measures.revenue_centavos for it in named]
        assert revenue == sorted(revenue, reverse=True)
    stores = [store.total.today.revenue_centavos for store in report.stores]
    assert stores == sorted(stores, reverse=True)


def row(estado: str, amount: int | None, categoria: str | None = "Café") -> dict[str, Any]:
    row = {"sucursal": None, "producto": None, "categoria": categoria}
    return {**row, "estado": estado, "events": 2, "amount": amount}


def test_returns_are_summed_by_category_within_64_bits(made: dict[str, Any]) -> None:
    products = [
        row("reembolsada", 500),
        row("contracargo", 7),
        row("reembolsada", None, None),
        row("reembolsada", 2**62, "Té"),
        row("reembolsada", 2**62, "Té"),
        row("aprobada", 900, "Mate"),
    ]
    report = report_of(**{**made, "products": products})
    assert report.returns == [
        Returns("Té", 4, 2**63 - 1, 0, 0),
        Returns("Café", 2, 500, 2, 7),
        Returns("", 2, 0, 0, 0),
    ]


def test_day_without_sales_has_no_hours_and_no_stores(made: dict[str, Any]) -> None:
    nothing: list[Any] = []
    report = report_of(**{**made, "hours": [nothing] * 3, "payments": [], "products": []})
    assert (report.total, report.hours, report.stores) == (Compared(), [], [])


def test_any_number_of_names_gives_short_lists(made: dict[str, Any]) -> None:
    rows = [
        {"sucursal": f"s{n}", "hora": 9, "estado": "pendiente", "events": 1, "amount": n}
        for n in range(MOST + 5)
    ]
    report = report_of(**{**made, "hours": [rows, [], []]})
    assert len(report.stores) == MOST
    assert report.total.today.sales == MOST + 5


def finding(p: float, text: str = "down", **subject: str) -> Finding:
    kind = "store" if "sucursal" in subject else "product"
    severity = "high" if kind == "store" else "medium"
    return Finding(kind, severity, text, text, subject, {"p": p}, "products")  # type: ignore[arg-type]


def look(end: int, *findings: Finding, missing: Sequence[Kind] = ()) -> Report:
    lacking = [Missing(kind, "kind") for kind in missing]
    return Report(end, 9, {}, 0.001, [*findings], lacking)


def test_finding_of_several_looks_is_told_once_with_its_strongest_numbers(
    made: dict[str, Any],
) -> None:
    mate, palermo = {"producto": "Mate"}, {"sucursal": "Palermo"}
    looks = [
        look(1, finding(1e-6, **mate)),
        look(2, finding(1e-8, "since", **palermo), finding(1e-5, "up", **mate)),
        look(3, finding(1e-9, **mate), finding(1e-7, "silent", **palermo)),
    ]
    found = report_of(**{**made, "looks": looks}).noticed
    assert [(it.kind, it.text, it.first, it.last, it.at) for it in found] == [
        ("store", "since", 2, 3, 2),
        ("product", "down", 1, 3, 3),
        ("product", "up", 2, 2, 2),
    ]


def test_kind_that_no_look_could_judge_is_named(made: dict[str, Any]) -> None:
    looks = [look(1, missing=("store", "approval", "promotion")), look(2, missing=("promotion",))]
    assert report_of(**{**made, "looks": looks}).unjudged == ["promotion"]
    assert report_of(**made).unjudged == []
