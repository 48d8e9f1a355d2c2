"""The market as probabilities: what each draw of an event chooses from, and on what it depends."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, get_args

from include.sales.draws import Choice
from include.sales.event import ESTADOS, PLATAFORMAS, TIPOS_PAGO
from include.sales.market import Market
from include.sales.tables import Canal, Category, Product, Share, Store, applicable

ZIPF_EXPONENT: Final = 1.0
"""Sales of the product of rank r in its category go as r to minus this. An assumption."""

CHANNELS: Final[tuple[Canal, ...]] = get_args(Canal)


class Mix:
    """The choices of a market whose sales are made by some of its stores.

    A condition's index follows from the indices of its parts: of a payment it is
    `group * len(CHANNELS) + channel`, of an issuer `payment type * len(provinces) + province`.
    """

    def __init__(self, market: Market, stores: Sequence[Store]) -> None:
        self.groups = [row.grupo for row in market.groups]
        self.categories = [row.categoria for row in market.categories]
        self.provinces = [row.code for row in market.provinces]
        self.counts = sorted({row.cuotas for row in market.instalments})
        self.percents = sorted({row.percent for row in market.discounts})
        self.issuers = ["", *dict.fromkeys(row.emisor for row in market.issuers)]
        self.reasons = ["", *dict.fromkeys(row.motivo for row in market.rejections)]

        by_group = [(group,) for group in self.groups]
        by_payment = [(payment,) for payment in TIPOS_PAGO]
        by_channel = [(channel, group) for group in self.groups for channel in CHANNELS]
        by_issuer = [(payment, code) for payment in TIPOS_PAGO for code in self.provinces]

        self.store = Choice([_store_weights(market, stores)])
        self.product = Choice([_product_weights(market)])
        self.units = Choice(_unit_weights(market.categories))
        self.platform = _choice(market.platforms, by_group, PLATAFORMAS)
        self.discount = _choice(market.discounts, by_group, self.percents)
        self.payment = _choice(market.payments, by_channel, TIPOS_PAGO, _attempts(market))
        self.instalment = _choice(market.instalments, by_channel, self.counts)
        self.issuer = _choice(market.issuers, by_issuer, self.issuers)
        self.outcome = _choice(market.outcomes, by_payment, ESTADOS)
        self.reason = _choice(market.rejections, by_payment, self.reasons)


def _choice(
    table: Iterable[Share],
    conditions: Sequence[tuple[str, ...]],
    options: Sequence[str | int],
    factor: Callable[[Share], float] = lambda _: 1.0,
) -> Choice:
    """Shares as a choice; where a condition has no line, the first option is the only one."""
    rows = list(table)
    weights = []
    for condition in conditions:
        found = {row.option: row.share * factor(row) for row in applicable(rows, condition)}
        weights.append([found.get(option, 0.0) for option in options] if found else [1.0])
    width = len(options)
    return Choice([row + [0.0] * (width - len(row)) for row in weights])


def _attempts(market: Market) -> Callable[[Share], float]:
    """How many attempts to pay a completed sale takes, by payment type.

    Published shares are of completed sales. Attempts are drawn, some of which are rejected, so
    each share is scaled for the completed ones to match it.
    """
    rejected: dict[str | int, float] = {
        row.tipo_pago: row.share for row in market.outcomes if row.estado == "rechazada"
    }
    return lambda row: 100.0 / (100.0 - rejected.get(row.option, 0.0))


def _store_weights(market: Market, stores: Sequence[Store]) -> list[float]:
    """A province's sales go by its population, and among all its stores by their size."""
    population = {row.code: row.share for row in market.provinces}
    size = dict.fromkeys(population, 0.0)
    for store in market.stores:
        size[store.province] += store.weight
    return [population[s.province] * s.weight / size[s.province] for s in stores]


def _unit_weights(categories: Sequence[Category]) -> list[list[float]]:
    """Weights of 1, 2, … units by category: a geometric distribution cut at `max_units`."""
    width = max(row.max_units for row in categories)
    return [
        [row.repeat**more if more < row.max_units else 0.0 for more in range(width)]
        for row in categories
    ]


def _product_weights(market: Market) -> list[float]:
    """Weights of the products as counts of sales.

    Groups share out the sales. A group's categories share out its *value*, so each one's count of
    sales is its share over the mean value of a sale; its products go by Zipf's law.
    """
    zipf = {row.sku: row.rank**-ZIPF_EXPONENT for row in market.products}
    products = {
        row.categoria: [p for p in market.products if p.categoria == row.categoria]
        for row in market.categories
    }
    units = dict(zip(products, map(_mean_units, _unit_weights(market.categories)), strict=True))
    weights: dict[str, float] = {}
    for group in market.groups:
        sales = {
            row.categoria: row.share
            / (units[row.categoria] * _mean_price(products[row.categoria], zipf))
            for row in applicable(market.categories, (group.grupo,))
        }
        for category, count in sales.items():
            share = group.share * count / sum(sales.values())
            total = sum(zipf[p.sku] for p in products[category])
            weights |= {p.sku: share * zipf[p.sku] / total for p in products[category]}
    return [weights[row.sku] for row in market.products]


def _mean_units(weights: Sequence[float]) -> float:
    return sum(n * w for n, w in enumerate(weights, start=1)) / sum(weights)


def _mean_price(products: Sequence[Product], zipf: dict[str, float]) -> float:
    total = sum(zipf[p.sku] for p in products)
    return sum(p.precio_centavos * zipf[p.sku] for p in products) / total
