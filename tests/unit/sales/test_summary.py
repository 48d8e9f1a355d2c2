"""The numbers of figures and reports, compared with the data files and the demand curve."""

from datetime import date

import numpy as np
import pytest

from include.sales.demand import Demand
from include.sales.event import ESTADOS, TIPOS_PAGO
from include.sales.local_time import first_hour
from include.sales.market import Market
from include.sales.random_numbers import BLOCK
from include.sales.summary import Sales, payment_mixes, sales_by_hour, simulate
from include.sales.tables import CHANNELS

SATURDAY = date(2026, 5, 9)


@pytest.fixture(scope="module")
def sales(market: Market, demand: Demand) -> Sales:
    """Sales of a month, some 50,000."""
    return simulate(market, demand, 7, date(2026, 5, 1), date(2026, 6, 1), scale=0.02)


def test_simulated_sales_are_in_order_and_within_the_requested_days(sales: Sales) -> None:
    assert sales.hour.min() == first_hour(date(2026, 5, 1))
    assert sales.hour.max() == first_hour(date(2026, 6, 1)) - 1
    assert (np.diff(sales.hour) >= 0).all()
    assert len(sales.hour) % BLOCK
    assert {len(column) for column in (sales.channel, sales.group, *sales.drawn)} == {
        len(sales.hour)
    }


def test_sales_of_a_day_follow_the_curve_by_hour_and_channel(
    market: Market, demand: Demand
) -> None:
    """Tolerances: five standard deviations of each Poisson count, four of their mean square."""
    day = sales_by_hour(market, demand, 7, SATURDAY, scale=1)
    assert day.expected.shape == day.simulated.shape == (24, len(CHANNELS))
    noon = demand.at(first_hour(SATURDAY) + 12).sum(axis=0) * 3600
    assert day.expected[12] == pytest.approx(noon)
    deviations = (day.simulated - day.expected) / np.sqrt(day.expected)
    assert np.abs(deviations).max() < 5
    assert (deviations**2).mean() == pytest.approx(1, abs=4 * (2 / deviations.size) ** 0.5)


def test_seeds_give_different_but_repeatable_sales(market: Market, demand: Demand) -> None:
    one, again, other = (sales_by_hour(market, demand, s, SATURDAY, 0.1) for s in (1, 1, 2))
    assert np.array_equal(one.simulated, again.simulated)
    assert not np.array_equal(one.simulated, other.simulated)


def test_simulated_payment_mixes_are_near_the_published_ones(market: Market, sales: Sales) -> None:
    """Payment types with assumed shares are combined; a mix that is all assumed is left out."""
    mixes = {(mix.canal, mix.grupo): mix for mix in payment_mixes(market, sales)}
    assert set(mixes) == {("local", "supermercado"), ("local", "electro"), ("online", "")}
    supermarket = mixes["local", "supermercado"]
    assert dict(zip(supermarket.options, supermarket.published, strict=True)) == {
        ("credito",): 43.6,
        ("debito",): 26.1,
        ("efectivo",): 16.3,
        ("qr", "transferencia"): 14.0,
    }
    assert (supermarket.source, supermarket.date) == ("INDEC via elocho.tv", "2025-12")
    assert supermarket.simulated == pytest.approx(supermarket.published, abs=1.5)
    for mix in mixes.values():
        assert mix.simulated == pytest.approx(mix.published, abs=4)
        assert sum(mix.simulated) == pytest.approx(100)


def test_rejected_sales_do_not_count_in_the_payment_mix(market: Market, sales: Sales) -> None:
    """With all sales rejected except those in cash, the mix is 100 % cash."""
    cash = sales.drawn.payment == TIPOS_PAGO.index("efectivo")
    outcome = np.where(cash, ESTADOS.index("aprobada"), ESTADOS.index("rechazada"))
    only_cash = sales._replace(drawn=sales.drawn._replace(outcome=outcome))
    for mix in payment_mixes(market, only_cash):
        paid = dict(zip(mix.options, mix.simulated, strict=True))
        assert paid[("efectivo",)] == 100
        assert mix.sales <= cash.sum()
