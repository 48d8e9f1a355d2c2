"""Sales depend on the hour, the day, the season and the amount, as in a real store.

The tests use the 204,800 sales of `conftest.year`, and sales of single hours.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from include.sales.content import SaleSource
from include.sales.drawn import Drawn
from include.sales.event import ESTADOS, PLATAFORMAS, TIPOS_PAGO
from include.sales.local_time import day_of, dia_index, epoch_ms
from include.sales.market import Market
from include.sales.random_numbers import BLOCK, Ints
from tests.unit.sales.year import Year

LOCAL = PLATAFORMAS.index("local")
CREDIT = TIPOS_PAGO.index("credito")


@pytest.fixture(scope="module")
def source(market: Market) -> SaleSource:
    return SaleSource(market, seed=7, corrida="una")


def local(year: int, month: int, day: int, hour: int) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC) + timedelta(hours=3)


def in_hour(source: SaleSource, moment: datetime, blocks: int = 10) -> Drawn[Ints]:
    """Draw sales of one hour: 4,096 per block, 40,960 by default."""
    ts = np.full(BLOCK, epoch_ms(moment))
    drawn = [source.columns(block, ts) for block in range(blocks)]
    return Drawn(*(np.concatenate(parts) for parts in zip(*drawn, strict=True)))


def share(market: Market, drawn: Drawn[Ints], column: str, value: str) -> float:
    """Return the share of sales whose product has a value in a column of products.csv."""
    its = np.array([getattr(product, column) == value for product in market.products])
    return float(its[drawn.product].mean())


@pytest.mark.parametrize(
    ("schedule", "when", "otherwise"),
    [
        ("desayuno_y_merienda", local(2026, 5, 6, 8), local(2026, 5, 6, 13)),
        ("asado", local(2026, 5, 10, 11), local(2026, 5, 6, 11)),
        ("noche", local(2026, 5, 9, 20), local(2026, 5, 9, 10)),
        ("comidas", local(2026, 5, 6, 12), local(2026, 5, 6, 15)),
        ("obra", local(2026, 5, 6, 9), local(2026, 5, 10, 9)),
        ("fin_de_semana", local(2026, 5, 9, 16), local(2026, 5, 6, 16)),
    ],
)
def test_products_with_a_schedule_sell_more_in_their_hours(
    market: Market, source: SaleSource, schedule: str, when: datetime, otherwise: datetime
) -> None:
    now, then = (in_hour(source, moment) for moment in (when, otherwise))
    assert share(market, now, "horario", schedule) > 1.25 * share(market, then, "horario", schedule)


@pytest.mark.parametrize(
    ("season", "high", "low"),
    [
        ("ventilacion", 12, 6),
        ("invierno", 6, 1),
        ("verano", 1, 6),
        ("escolar", 2, 11),
        ("juguetes", 8, 4),
        ("fiestas", 12, 5),
        ("pascua", 4, 9),
    ],
)
def test_products_with_a_season_sell_more_in_it(
    market: Market, year: Year, season: str, high: int, low: int
) -> None:
    its = np.array([product.temporada == season for product in market.products])
    months = np.array([day_of(int(hour)).month for hour in year.hour])
    shares = {month: its[year.drawn.product][months == month].mean() for month in (high, low)}
    assert shares[high] > 1.5 * shares[low]


def test_baskets_are_larger_on_saturday_but_not_for_single_items(source: SaleSource) -> None:
    """test_mix.py checks that the units of the whole year are those of categories.csv."""
    saturday, morning = (
        in_hour(source, moment) for moment in (local(2026, 5, 9, 11), local(2026, 5, 6, 9))
    )

    def units(drawn: Drawn[Ints], category: str) -> float:
        its = np.array([product.categoria == category for product in source.products])
        return float(drawn.cantidad[its[drawn.product]].mean())

    for category in ("Almacén", "Lácteos", "Bebidas"):
        assert 1.05 < units(saturday, category) / units(morning, category) < 1.6
    assert units(saturday, "Celulares") == units(morning, "Celulares") == 1


def test_share_of_online_sales_is_higher_at_night(source: SaleSource) -> None:
    """At night, few stores are open."""
    night, noon = (in_hour(source, local(2026, 5, 6, hour)) for hour in (0, 11))
    assert (night.platform != LOCAL).mean() > 2 * (noon.platform != LOCAL).mean()


def test_stores_sell_when_they_are_open(market: Market, year: Year) -> None:
    dias = ("laborable", "sabado", "domingo")
    in_store = np.flatnonzero(year.drawn.platform == LOCAL)
    for row in in_store[::20]:
        hour = int(year.hour[row])
        store = market.stores[year.drawn.store[row]]
        assert store.is_open(dias[dia_index(day_of(hour))], hour % 24)


def test_run_sells_while_all_its_stores_are_closed(market: Market) -> None:
    source = SaleSource(market, 7, "una", ["ushuaia", "rio-grande"])
    stores = {source.chain(n, local(2026, 5, 6, 3))[0].sucursal for n in range(200)}
    assert stores == {"Ushuaia", "Río Grande"}


def test_stores_sell_less_on_their_provinces_holiday(market: Market, source: SaleSource) -> None:
    """24 September, Batalla de Tucumán."""
    tucuman = np.array([store.province == "AR-T" for store in source.stores])
    days = [in_hour(source, local(2026, 9, day, 11)) for day in (24, 17)]
    holiday, other = (tucuman[day.store][day.platform == LOCAL].mean() for day in days)
    assert holiday == pytest.approx(0.7 * other, rel=0.1)


def test_cybermonday_raises_the_share_of_online_sales(source: SaleSource) -> None:
    cyber, other = (in_hour(source, local(2026, 11, day, 11)) for day in (2, 16))
    assert (cyber.platform != LOCAL).mean() > 2.5 * (other.platform != LOCAL).mean()


def by_amount(year: Year, holds: Callable[[Drawn[Ints]], object]) -> list[float]:
    """Return the share of group 2's in-store sales that satisfy `holds`, by amount band.

    The bands are below 10,000 pesos, to 50,000, to 200,000, and above.
    """
    general = (year.group == 2) & (year.channel == 0)
    drawn = Drawn(*(column[general] for column in year.drawn))
    gross = drawn.importe_centavos + drawn.descuento_centavos
    band = np.searchsorted([10_000_00, 50_000_00, 200_000_00], gross, side="right")
    its = np.asarray(holds(drawn))
    return [float(its[band == number].mean()) for number in range(4)]


def test_cash_and_qr_fall_and_credit_rises_with_the_amount(year: Year) -> None:
    for payment in ("efectivo", "qr"):
        shares = by_amount(year, lambda d, p=payment: d.payment == TIPOS_PAGO.index(p))  # type: ignore[misc]
        assert shares == sorted(shares, reverse=True)
        assert shares[0] > 3 * shares[3]
    shares = by_amount(year, lambda d: d.payment == CREDIT)
    assert shares == sorted(shares)
    assert shares[3] > 2 * shares[0]


def test_share_of_instalments_rises_with_the_amount(year: Year) -> None:
    several = by_amount(year, lambda d: d.cuotas > 1)
    paid = by_amount(year, lambda d: d.payment == CREDIT)
    shares = [one / other for one, other in zip(several, paid, strict=True)]
    assert shares == sorted(shares)
    assert shares[3] > 0.5
    assert shares[0] < 0.15


def test_large_amounts_are_rejected_more_often(year: Year) -> None:
    rejected = ESTADOS.index("rechazada")
    tried = by_amount(year, lambda d: d.payment == CREDIT)
    lost = by_amount(year, lambda d: (d.payment == CREDIT) & (d.outcome == rejected))
    rates = [one / other for one, other in zip(lost, tried, strict=True)]
    assert rates == sorted(rates)
    assert rates[3] > 2 * rates[0]


def test_some_issuers_reject_more_than_others(year: Year, source: SaleSource) -> None:
    def rate(issuer: str) -> float:
        its = (year.drawn.payment == CREDIT) & (year.drawn.issuer == source.issuers.index(issuer))
        return float((year.drawn.outcome[its] == ESTADOS.index("rechazada")).mean())

    assert rate("Cabal") > 1.15 * rate("Visa")
    assert rate("American Express") < 0.9 * rate("Visa")


@pytest.mark.parametrize("day", range(7))
def test_promotion_applies_only_on_its_weekdays(
    market: Market, source: SaleSource, day: int
) -> None:
    """Cuenta DNI: 20 % off for 60 % of supermarket sales by QR, Monday to Friday."""
    drawn = in_hour(source, local(2026, 5, 4 + day, 12), blocks=40)
    supermarket = {row.categoria for row in market.categories if row.grupo == "supermercado"}
    its = np.array([product.categoria in supermarket for product in market.products])
    paid = (
        its[drawn.product]
        & (drawn.payment == TIPOS_PAGO.index("qr"))
        & (drawn.issuer == source.issuers.index("Cuenta DNI"))
    )
    gross = drawn.importe_centavos[paid] + drawn.descuento_centavos[paid]
    percent = np.rint(100 * drawn.descuento_centavos[paid] / gross)
    # 6 % of the sales without a promotion also have a discount of 20 %.
    expected = 0.6 + 0.4 * 0.06 if day < 5 else 0.06
    assert (percent == 20).mean() == pytest.approx(expected, abs=0.04)


@pytest.mark.parametrize(
    ("day", "offered"),
    [
        (date(2024, 1, 31), {1, 3, 6, 12}),
        (date(2024, 2, 1), {1, 3, 6}),
        (date(2024, 6, 15), {1, 3, 6, 9, 12}),
        (date(2025, 7, 1), {1, 3, 6, 9, 12}),
    ],
)
def test_only_instalments_of_a_programme_in_force_are_used(
    source: SaleSource, day: date, offered: set[int]
) -> None:
    drawn = in_hour(source, local(day.year, day.month, day.day, 0))
    assert set(drawn.cuotas) == offered


def test_sales_without_any_programme_have_one_instalment(market: Market) -> None:
    ended = tuple(row for row in market.instalment_programmes if row.programa == "Cuota Simple")
    source = SaleSource(replace(market, instalment_programmes=ended), 7, "una")
    assert set(in_hour(source, local(2025, 6, 30, 23), blocks=2).cuotas) > {1}
    assert set(in_hour(source, local(2025, 7, 1, 0), blocks=2).cuotas) == {1}
