"""The sales of a year have the shares of the data files.

The tests use 204,800 sales of a fixed seed, spread over the reference year by the demand curve.
The tolerances are in percentage points: several standard deviations of a share of so many sales.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from include.sales.event import ESTADOS, PLATAFORMAS, TIPOS_PAGO
from include.sales.market import Market
from include.sales.random_numbers import Ints
from include.sales.tables import CHANNELS, Share, applicable
from tests.unit.sales.year import Year

Mask = npt.NDArray[np.bool_]
GROUPS = ["supermercado", "electro", "general"]


def percentages(column: Ints, options: Sequence[object], amount: Ints | None = None) -> object:
    totals = np.bincount(column, amount, minlength=len(options))
    return {o: 100 * t / totals.sum() for o, t in zip(options, totals, strict=True) if t}


def expected(table: Iterable[Share], *condition: str) -> dict[object, float]:
    return {row.option: row.share for row in applicable(table, condition) if row.share}


def credit(year: Year) -> Mask:
    mask: Mask = year.drawn.payment == TIPOS_PAGO.index("credito")
    return mask


def test_sales_by_province_follow_population(market: Market, year: Year) -> None:
    found = percentages(year.province, [row.provincia for row in market.provinces])
    shares = {row.provincia: row.share for row in market.provinces}
    assert found == pytest.approx(shares, abs=0.6)


def test_number_of_sales_by_group_follows_its_share(market: Market, year: Year) -> None:
    assert percentages(year.group, GROUPS) == pytest.approx(expected(market.groups), abs=0.4)


@pytest.mark.parametrize(
    ("group", "points"), [("supermercado", 0.5), ("electro", 1.5), ("general", 1)]
)
def test_value_of_sales_by_category_follows_its_share(
    market: Market, year: Year, group: str, points: float
) -> None:
    its = year.group == GROUPS.index(group)
    names = [row.categoria for row in market.categories]
    found = percentages(year.category[its], names, year.drawn.importe_centavos[its])
    assert found == pytest.approx(expected(market.categories, group), abs=points)


@pytest.mark.parametrize("category", ["Almacén", "Juguetería", "Climatización"])
def test_sales_of_a_categorys_products_follow_zipf_also_when_seasonal(
    market: Market, year: Year, category: str
) -> None:
    products = [p for p in market.products if p.categoria == category]
    counts = np.bincount(year.drawn.product, minlength=len(market.products))
    its = {p.sku: counts[market.products.index(p)] for p in products}
    found = {sku: 100 * count / sum(its.values()) for sku, count in its.items()}
    harmonic = sum(1 / p.rank for p in products)
    zipf = {p.sku: 100 / p.rank / harmonic for p in products}
    assert found == pytest.approx(zipf, abs=1 if category == "Almacén" else 4)


@pytest.mark.parametrize("group", GROUPS)
def test_sales_by_platform_follow_the_groups_shares(market: Market, year: Year, group: str) -> None:
    found = percentages(year.drawn.platform[year.group == GROUPS.index(group)], PLATAFORMAS)
    assert found == pytest.approx(expected(market.platforms, group), abs=0.8)


@pytest.mark.parametrize("group", GROUPS)
def test_units_per_sale_follow_the_categorys_distribution(
    market: Market, year: Year, group: str
) -> None:
    for position, row in enumerate(market.categories):
        if row.grupo == group:
            units = year.drawn.cantidad[year.category == position]
            weights = [row.repeat**more for more in range(row.max_units)]
            mean = sum(n * w for n, w in enumerate(weights, 1)) / sum(weights)
            assert units.max() <= row.max_units
            assert units.mean() == pytest.approx(mean, rel=0.05)


@pytest.mark.parametrize("group", GROUPS)
def test_discounts_without_promotion_follow_the_groups_shares(
    market: Market, year: Year, group: str
) -> None:
    """Only cash is counted, because it has no promotions."""
    drawn = year.drawn
    its = (year.group == GROUPS.index(group)) & (drawn.payment == TIPOS_PAGO.index("efectivo"))
    gross = drawn.importe_centavos[its] + drawn.descuento_centavos[its]
    percents = np.rint(100 * drawn.descuento_centavos[its] / gross).astype(np.int64)
    found = percentages(percents, range(100))
    assert found == pytest.approx(expected(market.discounts, group), abs=2.5)


@pytest.mark.parametrize(
    ("where", "group", "points"),
    [
        ("local", "supermercado", 0.7),
        ("local", "electro", 1.5),
        ("local", "general", 1),
        ("online", "supermercado", 3.5),
        ("online", "electro", 1.5),
        ("online", "general", 1),
    ],
)
def test_payment_value_and_instalments_follow_their_shares(
    market: Market, year: Year, where: str, group: str, points: float
) -> None:
    """The shares hold although both choices depend on the amount."""
    drawn = year.drawn
    its = (year.group == GROUPS.index(group)) & (year.channel == CHANNELS.index(where))
    completed = its & (drawn.outcome != ESTADOS.index("rechazada"))
    found = percentages(drawn.payment[completed], TIPOS_PAGO, drawn.importe_centavos[completed])
    assert found == pytest.approx(expected(market.payments, where, group), abs=points)
    found = percentages(drawn.cuotas[its & credit(year)], range(13))
    assert found == pytest.approx(expected(market.instalments, where, group), abs=points)


@pytest.mark.parametrize("payment", TIPOS_PAGO)
def test_outcomes_and_reasons_follow_the_payment_types_shares(
    market: Market, year: Year, payment: str
) -> None:
    """The shares hold although outcomes depend on the issuer and the amount."""
    its = year.drawn.payment == TIPOS_PAGO.index(payment)
    found = percentages(year.drawn.outcome[its], ESTADOS)
    assert found == pytest.approx(expected(market.outcomes, payment), abs=1.2)
    reasons = ["", *dict.fromkeys(row.motivo for row in market.rejections)]
    given = {reasons[number] for number in np.unique(year.drawn.reason[its])} - {""}
    assert given == set(expected(market.rejections, payment))


@pytest.mark.parametrize(
    ("payment", "code", "points"),
    [
        ("credito", "AR-X", 2),
        ("credito", "AR-M", 3),
        ("qr", "AR-B", 2),
        ("qr", "AR-S", 4),
        ("debito", "AR-B", 1.5),
    ],
)
def test_issuers_follow_the_shares_of_payment_type_and_province(
    market: Market, year: Year, payment: str, code: str, points: float
) -> None:
    province = [row.code for row in market.provinces].index(code)
    issuers = ["", *dict.fromkeys(row.emisor for row in market.issuers)]
    its = (year.province == province) & (year.drawn.payment == TIPOS_PAGO.index(payment))
    found = percentages(year.drawn.issuer[its], issuers)
    assert found == pytest.approx(expected(market.issuers, payment, code), abs=points)
