"""What is sold has the shares of the data files.

Of 50,000 sales of a fixed seed. The tolerances are in percentage points, several standard
deviations of a share of that many: sqrt(p (1 - p) / n).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import pytest

from include.sales.event import Venta
from include.sales.market import Market
from include.sales.tables import Share, applicable


@pytest.fixture(scope="module")
def group_of(market: Market) -> dict[str, str]:
    return {row.categoria: row.grupo for row in market.categories}


def channel(venta: Venta) -> str:
    return "local" if venta.plataforma == "local" else "online"


def percentages(
    sales: Iterable[Venta],
    option: Callable[[Venta], object],
    amount: Callable[[Venta], float] = lambda _: 1,
) -> dict[object, float]:
    totals: Counter[object] = Counter()
    for venta in sales:
        totals[option(venta)] += amount(venta)  # type: ignore[assignment]
    return {key: 100 * value / totals.total() for key, value in totals.items()}


def expected(table: Iterable[Share], *condition: str) -> dict[object, float]:
    return {row.option: row.share for row in applicable(table, condition) if row.share}


def test_provinces_by_population(market: Market, many_sales: Sequence[Venta]) -> None:
    found = percentages(many_sales, lambda v: v.provincia)
    shares = {row.provincia: row.share for row in market.provinces}
    assert found == pytest.approx(shares, abs=0.8)


def test_groups_by_number_of_sales(
    market: Market, many_sales: Sequence[Venta], group_of: dict[str, str]
) -> None:
    found = percentages(many_sales, lambda v: group_of[v.categoria])
    assert found == pytest.approx(expected(market.groups), abs=0.8)


@pytest.mark.parametrize(("group", "points"), [("supermercado", 1), ("electro", 3), ("general", 2)])
def test_categories_by_value(
    market: Market,
    many_sales: Sequence[Venta],
    group_of: dict[str, str],
    group: str,
    points: float,
) -> None:
    sales = [v for v in many_sales if group_of[v.categoria] == group]
    found = percentages(sales, lambda v: v.categoria, lambda v: v.importe_centavos)
    assert found == pytest.approx(expected(market.categories, group), abs=points)


def test_products_of_a_category_by_zipf(market: Market, many_sales: Sequence[Venta]) -> None:
    found = percentages((v for v in many_sales if v.categoria == "Almacén"), lambda v: v.sku)
    ranks = {p.sku: p.rank for p in market.products if p.categoria == "Almacén"}
    harmonic = sum(1 / rank for rank in ranks.values())
    assert found == pytest.approx({s: 100 / r / harmonic for s, r in ranks.items()}, abs=1.5)


@pytest.mark.parametrize("group", ["supermercado", "electro", "general"])
def test_platforms_and_discounts_by_group(
    market: Market, many_sales: Sequence[Venta], group_of: dict[str, str], group: str
) -> None:
    sales = [v for v in many_sales if group_of[v.categoria] == group]
    found = percentages(sales, lambda v: v.plataforma)
    assert found == pytest.approx(expected(market.platforms, group), abs=2)

    def percent(venta: Venta) -> int:
        gross = venta.cantidad * venta.precio_unitario_centavos
        return round(100 * venta.descuento_centavos / gross)

    assert percentages(sales, percent) == pytest.approx(expected(market.discounts, group), abs=2)


@pytest.mark.parametrize(
    ("where", "group", "points"),
    [
        ("local", "supermercado", 1),
        ("local", "electro", 3),
        ("local", "general", 1.5),
        ("online", "electro", 3),
        ("online", "general", 2.5),
    ],
)
def test_completed_payments_by_channel_and_group(
    market: Market,
    many_sales: Sequence[Venta],
    group_of: dict[str, str],
    where: str,
    group: str,
    points: float,
) -> None:
    sales = [v for v in many_sales if channel(v) == where and group_of[v.categoria] == group]
    completed = [v for v in sales if v.estado != "rechazada"]
    found = percentages(completed, lambda v: v.tipo_pago)
    assert found == pytest.approx(expected(market.payments, where, group), abs=points)
    credit = [v for v in sales if v.tipo_pago == "credito"]
    found = percentages(credit, lambda v: v.cuotas)
    assert found == pytest.approx(expected(market.instalments, where, group), abs=points)


def test_outcomes_and_reasons_by_payment_type(market: Market, many_sales: Sequence[Venta]) -> None:
    for payment in {v.tipo_pago for v in many_sales}:
        sales = [v for v in many_sales if v.tipo_pago == payment]
        found = percentages(sales, lambda v: v.estado)
        assert found == pytest.approx(expected(market.outcomes, payment), abs=2.5)
        reasons = {v.motivo for v in sales if v.estado == "rechazada"}
        assert reasons == set(expected(market.rejections, payment))


@pytest.mark.parametrize(
    ("payment", "province", "code", "points"),
    [
        ("credito", "Córdoba", "AR-X", 4),
        ("credito", "Mendoza", "AR-M", 5),
        ("qr", "Buenos Aires", "AR-B", 4),
        ("qr", "Santa Fe", "AR-S", 8),
        ("debito", "Buenos Aires", "AR-B", 3),
    ],
)
def test_issuers_by_payment_type_and_province(
    market: Market,
    many_sales: Sequence[Venta],
    payment: str,
    province: str,
    code: str,
    points: float,
) -> None:
    sales = [v for v in many_sales if (v.tipo_pago, v.provincia) == (payment, province)]
    found = percentages(sales, lambda v: v.emisor)
    assert found == pytest.approx(expected(market.issuers, payment, code), abs=points)
