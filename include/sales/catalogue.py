"""Choose the product of a sale, by month and hour, and its number of units."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np

from include.sales.calendar_tables import DIAS
from include.sales.conditional_shares import fit
from include.sales.demand import REFERENCE_YEAR, Demand
from include.sales.local_time import day_of, dia_index, first_hour
from include.sales.market import Market
from include.sales.random_numbers import Choice, Floats, Ints
from include.sales.tables import Category, Product, applicable

ZIPF_EXPONENT: Final = 1.0
"""A product of rank r in its category has sales proportional to r^−exponent. An assumption."""

HOURS: Final = len(DIAS) * 24
"""Slots per month: one for each hour of each kind of day."""


def slot(hour: int) -> int:
    """Return the slot of a local hour: the number of its month, kind of day and hour of the day.

    The choice of products depends on the slot.
    """
    day = day_of(hour)
    return (day.month - 1) * HOURS + dia_index(day) * 24 + hour % 24


class Catalogue:
    """Probabilities of the products and of their units."""

    def __init__(self, market: Market, demand: Demand) -> None:
        groups = [row.grupo for row in market.groups]
        categories = [row.categoria for row in market.categories]
        group_of_category = [groups.index(row.grupo) for row in market.categories]
        self.category_of: Ints = np.array(
            [categories.index(row.categoria) for row in market.products]
        )
        self.group_of: Ints = np.array(group_of_category)[self.category_of]
        self.price: Ints = np.array([row.precio_centavos for row in market.products])

        self.shares = _product_shares(market)
        """Each product's share of the number of sales."""
        self.unit_shares = np.array(_unit_weights(market.categories))
        self.unit_shares /= self.unit_shares.sum(axis=1, keepdims=True)
        """Share of sales of 1, 2, … units, (categories, units)."""

        sales = _sales_by_slot(demand)
        by_slot = self._by_slot(market, sales)
        self.product = Choice(by_slot.reshape(-1, len(market.products)))
        """Conditions are numbered `slot * groups + group`."""
        self.units = Choice(self._by_basket(market, sales, by_slot))
        """Conditions are numbered `slot % HOURS * categories + category`; picks the units − 1."""

    def _by_slot(self, market: Market, sales: Floats) -> Floats:
        """Return probabilities (slots, groups, products) that give `shares` over the year."""
        tilt = _tilt(market)
        table = np.zeros((len(tilt), len(market.groups), len(market.products)))
        for group in range(len(market.groups)):
            own = np.flatnonzero(self.group_of == group)
            table[:, group, own] = fit(tilt[:, own], self.shares[own], sales[:, [group]])
        return table

    def _by_basket(self, market: Market, sales: Floats, by_slot: Floats) -> Floats:
        """Return probabilities (HOURS * categories, units): `unit_shares` over the year."""
        # Sales of each product in each hour of the kinds of day, (HOURS, products).
        sold = np.einsum("sg,sgp->sp", sales, by_slot).reshape(-1, HOURS, len(self.price)).sum(0)
        categories, units = self.unit_shares.shape
        table = np.zeros((HOURS, categories, units))
        for category, row in enumerate(market.categories):
            factor = np.ones((len(DIAS), 24))
            for line in market.baskets:
                if line.grupo == row.grupo:
                    factor[DIAS.index(line.dia), line.desde : line.hasta] *= line.factor
            tilt = factor.reshape(-1, 1) ** np.arange(units)
            count = sold[:, self.category_of == category].sum(axis=1, keepdims=True)
            table[:, category] = fit(tilt, self.unit_shares[category], count)
        return table.reshape(-1, units)


def _sales_by_slot(demand: Demand) -> Floats:
    """Return the sales of the reference year, (slots, groups)."""
    first = first_hour(date(REFERENCE_YEAR, 1, 1))
    hourly = demand.hourly(REFERENCE_YEAR).sum(axis=2)
    sales = np.zeros((12 * HOURS, hourly.shape[1]))
    np.add.at(sales, [slot(first + position) for position in range(len(hourly))], hourly)
    return sales


def _tilt(market: Market) -> Floats:
    """Return the factor of each product's sales in each slot, (slots, products)."""
    months: dict[str, Floats] = {"": np.ones(12)}
    for season in market.seasons:
        months.setdefault(season.temporada, np.ones(12))[season.mes - 1] = season.factor
    hours: dict[str, Floats] = {"": np.ones((len(DIAS), 24))}
    for row in market.schedules:
        day = hours.setdefault(row.horario, np.ones((len(DIAS), 24)))[DIAS.index(row.dia)]
        day[row.desde : row.hasta] *= row.factor
    columns = [
        np.multiply.outer(months[row.temporada], hours[row.horario]).ravel()
        for row in market.products
    ]
    return np.array(columns).T


def _product_shares(market: Market) -> Floats:
    """Return each product's share of the number of sales.

    A group's share is a share of the number of sales. A category's share is a share of its group's
    *value*, so its number of sales is its share divided by its mean value of a sale. Within a
    category, products follow Zipf's law.
    """
    zipf = {row.sku: row.rank**-ZIPF_EXPONENT for row in market.products}
    products = {
        row.categoria: [p for p in market.products if p.categoria == row.categoria]
        for row in market.categories
    }
    units = dict(zip(products, map(_mean_units, _unit_weights(market.categories)), strict=True))
    shares: dict[str, float] = {}
    for group in market.groups:
        sales = {
            row.categoria: row.share
            / (units[row.categoria] * _mean_price(products[row.categoria], zipf))
            for row in applicable(market.categories, (group.grupo,))
        }
        for category, count in sales.items():
            share = group.share * count / sum(sales.values())
            total = sum(zipf[p.sku] for p in products[category])
            shares |= {p.sku: share * zipf[p.sku] / total for p in products[category]}
    table = np.array([shares[row.sku] for row in market.products])
    of_all: Floats = table / table.sum()
    return of_all


def _unit_weights(categories: Sequence[Category]) -> list[list[float]]:
    """Return weights of 1, 2, … units by category: a geometric distribution up to `max_units`."""
    width = max(row.max_units for row in categories)
    return [
        [row.repeat**more if more < row.max_units else 0.0 for more in range(width)]
        for row in categories
    ]


def _mean_units(weights: Sequence[float]) -> float:
    return sum(n * w for n, w in enumerate(weights, start=1)) / sum(weights)


def _mean_price(products: Sequence[Product], zipf: dict[str, float]) -> float:
    total = sum(zipf[p.sku] for p in products)
    return sum(p.precio_centavos * zipf[p.sku] for p in products) / total
