"""Choose how sales are paid: payment type, issuer, instalments and outcome, by channel and amount.

The published shares are those of all amounts together. `fitting.fit` tilts them by amount band, so
that over all amounts they are still the published shares.
"""

from typing import Final

import numpy as np

from include.sales.amounts import AmountBands
from include.sales.catalogue import Catalogue
from include.sales.conditional_shares import fit, shares_table
from include.sales.event import ESTADOS, TIPOS_PAGO
from include.sales.incidents import issuers_of
from include.sales.instalments import Instalments
from include.sales.market import Market
from include.sales.promotions import Promotions
from include.sales.random_numbers import Choice, Floats
from include.sales.tables import CHANNELS, applicable

MAX_REJECTED: Final = 0.95
"""Upper limit of a rejection's probability, whatever the factors of `rejection_factors.csv`."""

_ROUNDS: Final = 5
"""Iterations of `Payments._fit_types`: payment types depend on rejections, and rejections on
payment types. This many are enough."""

_BY_TYPE: Final = [(payment,) for payment in TIPOS_PAGO]
_CREDIT: Final = TIPOS_PAGO.index("credito")
_REJECTED: Final = ESTADOS.index("rechazada")


class Payments:
    """Probabilities of the choices of a payment.

    The conditions are numbered as follows. Payment type: `place * bands + band`, where `place` is
    `group * channels + channel`. Issuer: `payment type * provinces + province`. Outcome:
    `(payment type * issuers + issuer) * bands + band`. Reason: the payment type.
    """

    def __init__(self, market: Market, catalogue: Catalogue) -> None:
        self._market = market
        self.provinces = [row.code for row in market.provinces]
        self.issuers = issuers_of(market)
        self.reasons = ["", *dict.fromkeys(row.motivo for row in market.rejections)]
        self.bands = AmountBands(market, catalogue)
        self.promotions = Promotions(market, self.issuers)
        self._places = [(channel, row.grupo) for row in market.groups for channel in CHANNELS]

        by_issuer = [(payment, code) for payment in TIPOS_PAGO for code in self.provinces]
        issuers = shares_table(market.issuers, by_issuer, self.issuers)
        self.issuer = Choice(issuers)
        self.reason = Choice(shares_table(market.rejections, _BY_TYPE, self.reasons))
        population = np.array([row.share for row in market.provinces])
        by_type = issuers.reshape(len(TIPOS_PAGO), len(self.provinces), -1)
        self._issuer_shares = np.einsum("r,pri->pi", population / population.sum(), by_type)

        types, rejected = self._fit_types()
        self.payment = Choice(types.reshape(-1, len(TIPOS_PAGO)))
        self.outcome = Choice(self._outcomes(rejected))
        credit = self.bands.sales * types[..., _CREDIT]
        self.instalments = Instalments(market, self._places, self.bands, credit)

    def _fit_types(self) -> tuple[Floats, Floats]:
        """Return the probabilities of payment types and of rejections.

        Their shapes are (places, bands, payment types) and (payment types, issuers, bands). The
        published shares are shares of the value of completed sales. So in the fit, a sale counts
        with its value less the mean discount, times the probability that it is not rejected.
        """
        tilt = self.bands.factors(
            {(row.tipo_pago, row.tramo): row.factor for row in self._market.payment_amounts},
            TIPOS_PAGO,
        )
        shares = shares_table(self._market.payments, self._places, TIPOS_PAGO)
        kept = self._kept_after_discounts()
        types = np.repeat(shares[:, np.newaxis], len(self.bands.names), axis=1)
        for _ in range(_ROUNDS):
            rejected = self._rejections(types)
            completed = 1 - np.einsum("pi,pib->bp", self._issuer_shares, rejected)
            counts = self.bands.value[..., np.newaxis] * completed * kept
            types = np.array([fit(tilt, *pair) for pair in zip(shares, counts, strict=True)])
        return types, self._rejections(types)

    def _rejections(self, types: Floats) -> Floats:
        """Return the probability that an attempt is rejected, (payment types, issuers, bands).

        Over all issuers and amounts, it is the share of outcomes.csv (except for the upper limit).
        """
        factor = np.ones((len(self.issuers), len(self.bands.names)))
        for row in self._market.rejection_factors:
            issuer = self.issuers.index(row.emisor) if row.emisor else slice(None)
            band = self.bands.names.index(row.tramo) if row.tramo else slice(None)
            factor[issuer, band] *= row.factor
        attempts = np.einsum("xb,xbp->pb", self.bands.sales, types)
        mean = np.einsum("pi,pb,ib->p", self._issuer_shares, attempts, factor)
        overall = self._outcome_shares()[:, _REJECTED] * attempts.sum(axis=1)
        base = np.divide(overall, mean, out=np.zeros_like(mean), where=mean > 0)
        rejected: Floats = np.minimum(base[:, np.newaxis, np.newaxis] * factor, MAX_REJECTED)
        return rejected

    def _outcomes(self, rejected: Floats) -> Floats:
        """Return the weights of the states, (payment types * issuers * bands, states)."""
        other = self._outcome_shares()
        other[:, _REJECTED] = 0
        other /= other.sum(axis=1, keepdims=True)
        table = (1 - rejected)[..., np.newaxis] * other[:, np.newaxis, np.newaxis, :]
        table[..., _REJECTED] = rejected
        return table.reshape(-1, len(ESTADOS))

    def _outcome_shares(self) -> Floats:
        return shares_table(self._market.outcomes, _BY_TYPE, ESTADOS)

    def _kept_after_discounts(self) -> Floats:
        """Return the part of the price that is paid after discounts, as the mean of a week.

        The shape is (places, 1, payment types).
        """
        today = max(row.desde for row in self._market.promotions)
        week = np.mean([self.promotions.on(today, day) for day in range(7)], axis=0)
        by_type = np.einsum("pi,pigcd->gcpd", self._issuer_shares, week)
        taken = by_type @ self.promotions.percents
        for group, row in enumerate(self._market.groups):
            listed = applicable(self._market.discounts, (row.grupo,))
            mean = sum(line.percent * line.share for line in listed) / 100
            taken[group] += by_type[group, ..., 0] * mean
        kept: Floats = 1 - taken.reshape(len(self._places), 1, len(TIPOS_PAGO)) / 100
        return kept
