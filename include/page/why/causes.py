"""Find the values, such as a store or a card, that changed a figure by moving unlike the rest.

A change of all sales, such as another hour of the day, is no value's contribution: a value is
expected to move as the other values of its dimension do. Its contribution is the figure less the
figure that the same sales would have had if one factor of the value (its sales, its approval, …)
had moved as that of the rest.

Ranking by explained change and by surprise follows R. Bhagwan et al., "Adtributor: revenue
debugging in advertising systems", NSDI 2014. Surprise is here the probability that chance moves a
factor so far from the rest; for counts it is that of the findings (`baseline.py`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from include.page.findings.baseline import DRIFT, Baseline
from include.page.findings.shares import SURE
from include.page.why.figures import Column, Effect, Figure, Rate
from include.page.why.tables import DIMENSIONS, Sums
from include.sales.random_numbers import Floats

LEVEL: Final = 0.05
"""Highest chance that a figure has any cause if its sales moved by chance only."""

SHOWN: Final = 8
"""Most causes of a figure."""

SMALLEST: Final = 0.001
"""Least part of the figure that a cause must have moved it by, beyond chance; of a count, at least
a half."""

EXPECTED: Final = 8
"""Returns that are added to those of the earlier range, which may have had none."""

_DRIFT: Final = DRIFT / 3
"""`Baseline` takes three times as much, because a single earlier range shows no variation."""


@dataclass(frozen=True)
class Cause:
    """A value that moved unlike the rest.

    Attributes:
        subject: filters of the live page, name to value.
        query: the query that the numbers come from.
        effect: the factor that moved; ``mix`` is the number of sales.
        contribution: the figure less what it would be if the factor had moved as the rest did.
        p: probability that chance moves the factor so far from the rest.
        grown: the factor by what was due of it; None if nothing was due.
        now: the value's own sums.
        before: as `now`, of the earlier range.
    """

    subject: dict[str, str]
    query: str
    effect: Effect
    contribution: float
    p: float
    grown: float | None
    now: dict[Column, float]
    before: dict[Column, float]

    @property
    def sure(self) -> float:
        """The part of the contribution that chance does not explain; `p` is below `SURE`."""
        chance = math.sqrt(math.log(SURE) / math.log(self.p)) if self.p else 0.0
        return abs(self.contribution) * (1 - chance)


class _Judged(NamedTuple):
    cause: Cause
    own: Floats
    """1 for each place in the query's sums that belongs to the cause."""
    significant: bool

    @property
    def kind(self) -> tuple[Effect, list[str]]:
        return self.cause.effect, [*self.cause.subject]


def causes(figure: Figure, groups: Mapping[str, Sums], size: float) -> list[Cause]:
    """Return the causes of a figure's change, the largest contribution beyond chance first.

    The sales of each cause are then left out, so that the others are compared with a usual rest,
    and a province is no cause if only its store moved.

    Args:
        figure: the figure.
        groups: the sums of each query.
        size: the figure in the earlier range.
    """
    left = {name: np.ones(len(sums.subjects)) for name, sums in groups.items()}
    judged = {name: _judged(figure, name, sums, left[name]) for name, sums in groups.items()}
    least = SMALLEST * size if figure.is_ratio else max(SMALLEST * size, 0.5)
    found: list[Cause] = []
    while len(found) < SHOWN:
        able = [
            it
            for unlike in judged.values()
            for it in unlike
            if it.significant and it.cause.sure >= least
        ]
        if not able:
            break
        largest = max(able, key=lambda it: it.cause.sure)
        # A value with most of the sales seems to move if another one does: the more surprising one
        # is the cause.
        alike = [it for it in able if it.kind == largest.kind]
        whole = min(alike, key=lambda it: (it.cause.p, -it.cause.sure))
        name = whole.cause.query
        chosen = _part(whole, judged[name], figure, groups[name], left[name])
        found.append(chosen.cause)
        left[name] = left[name] * (1 - chosen.own)
        judged[name] = _judged(figure, name, groups[name], left[name])
    return sorted(found, key=lambda cause: -cause.sure)


def _part(
    whole: _Judged, unlike: Sequence[_Judged], figure: Figure, sums: Sums, left: Floats
) -> _Judged:
    """Return the part that explains the whole's change, such as the card of a payment type.

    Return the whole if it is unlike the rest without the part, too.
    """
    effect = whole.cause.effect
    parts = [
        it
        for it in unlike
        if it.cause.effect == effect and (it.own <= whole.own).all() and (it.own < whole.own).any()
    ]
    if not parts:
        return whole
    part = min(parts, key=lambda it: it.cause.p)
    others = left * (1 - part.own)
    remainder = (whole.own * others)[np.newaxis]
    [p] = _Tests(figure, whole.cause.query, sums, remainder, others).chances(effect)
    return whole if p <= SURE else _part(part, parts, figure, sums, left)


def _judged(figure: Figure, query: str, sums: Sums, left: Floats) -> list[_Judged]:
    """Return the factors of a query's values that are unlikely at `SURE`, among the sums left.

    Each factor of each dimension is a family of tests with the same part of the chance `LEVEL`, so
    that the many products do not hide the few cards (Bonferroni's procedure).
    """
    found = []
    effects: tuple[Effect, ...] = ("mix", *figure.rates)
    families = len(DIMENSIONS) * len(effects)
    for dimension in (names for names, of in DIMENSIONS.items() if of == query):
        subjects, members = sums.by(dimension)
        members = members * left
        tests = _Tests(figure, query, sums, members, left)
        named = [all(subject) for subject in subjects]
        for step, effect in enumerate(effects):
            p, moved = tests.chances(effect), tests.contributions(step)
            able = tests.able & named & np.isfinite(moved)
            significant = p * families * able.sum() <= LEVEL
            for at in np.flatnonzero(able & (p < SURE)).tolist():
                subject = dict(zip(dimension, map(str, subjects[at]), strict=True))
                numbers = (float(moved[at]), float(p[at]), tests.grown(step, at))
                sides = (tests.sums(side, at) for side in (0, 1))
                cause = Cause(subject, query, effect, *numbers, *sides)
                found.append(_Judged(cause, members[at], bool(significant[at])))
    return found


class _Tests:
    """The factors of some values, what the rest lets expect of them, and the chances.

    The sums are arrays (2, values): now and before. `members` is an array (values, subjects) with
    1 for the subjects of each value, and `left` has 1 for each subject that is compared.
    """

    def __init__(
        self, figure: Figure, query: str, sums: Sums, members: Floats, left: Floats
    ) -> None:
        self._figure = figure
        self._own = {name: column @ members.T for name, column in sums.columns.items()}
        self._all = {name: (column @ left)[:, np.newaxis] for name, column in sums.columns.items()}
        self._rest = {name: self._all[name] - own for name, own in self._own.items()}
        self._total = sums.chain(figure.columns)[0].sum(axis=1, keepdims=True)
        first = figure.columns[0]
        # Nothing remains to compare the only value of a dimension with.
        self.able = (self._rest[first] > 0).all(axis=0) & (self._own[first].sum(axis=0) > 0)
        # Elsewhere, prices show which products are sold, rather than what they cost.
        self._prices = _price_index(sums, members, left) if query == "products" else None
        with np.errstate(all="ignore"):
            grown = self._rest[first][0] / self._rest[first][1]
            self._due = np.array([self._own[first][1] * grown, *map(self._rate_due, figure.rates)])

    def sums(self, side: int, value: int) -> dict[Column, float]:
        return {name: float(own[side, value]) for name, own in self._own.items()}

    def grown(self, step: int, value: int) -> float | None:
        """Return a factor of a value by what was due of it; None if nothing was due."""
        names, due = self._figure.columns, float(self._due[step, value])
        factor = self._own[names[step]][0, value]
        if step:
            of = self._own[names[step - 1]][0, value]
            factor = factor / of if of else due
        return float(factor) / due if due > 0 else None

    def chances(self, effect: Effect) -> Floats:
        """Return the probability that chance moves the factor of each value so far."""
        own, first, last = self._own, self._figure.columns[0], self._figure.columns[-1]
        if effect == "mix":
            return self._share_chances(first, 0.0)
        if effect == "returns":
            # Few returns are expected where sales are. Their shares tell little, as in `judge.py`.
            unlike = self._share_chances(last, EXPECTED / self._all[first][1, 0]) <= SURE
            return np.where(unlike, _chances(own[last], own[first]), 1.0)
        if effect == "units":
            return self._unit_chances()
        if effect == "price":
            if self._prices is None:
                return np.ones(len(self.able))
            return _far(np.log(self._prices), 0.0)
        if effect == "approval":
            return self._rate_chances("approved", "decided")
        return self._rate_chances("discounted", "approved")

    def contributions(self, step: int) -> Floats:
        """Return for each value the figure less the figure with one factor as it was due."""
        now = np.array([self._own[name][0] for name in self._figure.columns])
        with np.errstate(all="ignore"):
            factors = np.concatenate([now[:1], now[1:] / now[:-1]])
            factors = np.where(np.isfinite(factors), factors, self._due)
            factors[step] = self._due[step]
            chain = np.cumprod(factors, axis=0)
            if not self._figure.is_ratio:
                moved: Floats = now[-1] - chain[-1]
                return moved
            other = self._total - now + chain
            ratio: Floats = self._total[-1] / self._total[0] - other[-1] / other[0]
            return ratio

    def _rate_due(self, rate: Rate) -> Floats:
        step = self._figure.rates.index(rate)
        of, to = self._figure.columns[step : step + 2]
        if rate in ("approval", "returns"):
            return self._odds_due(to, of)
        own, rest = (side[to] / side[of] for side in (self._own, self._rest))
        due: Floats = own[1] * rest[0] / rest[1]
        if rate == "price" and self._prices is not None:
            due = np.where(self._prices > 0, own[0] / self._prices, own[1])
        return due

    def _odds_due(self, k: Column, n: Column) -> Floats:
        """Return the rates k / n now if their odds had moved as those of the rest."""
        own, rest = (
            (side[k] + 0.5) / (np.maximum(side[n] - side[k], 0) + 0.5)
            for side in (self._own, self._rest)
        )
        due = own[1] * rest[0] / rest[1]
        found: Floats = due / (1 + due)
        return found

    def _share_chances(self, column: Column, of_sales: float) -> Floats:
        """Return the chances of the shares; a part of the earlier sales adds to those before."""
        first, more = self._figure.columns[0], np.array([[0.0], [of_sales]])
        k, n = (side[column] + more * side[first] for side in (self._own, self._all))
        return _chances(k, np.broadcast_to(n, k.shape))

    def _rate_chances(self, k: Column, n: Column) -> Floats:
        """Return the chances of the rates k / n against those that were due.

        What was due is as uncertain as three counts: the value's own before, and two of the rest.
        """
        due, before = self._odds_due(k, n), self._own[n][1]
        with np.errstate(all="ignore"):
            for rate, is_kind in ((due, True), (1 - due, False)):
                own, rest = (
                    (side[k] if is_kind else np.maximum(side[n] - side[k], 0)) + 0.5
                    for side in (self._own, self._rest)
                )
                known = 1 / (1 / own[1] + 1 / rest[0] + 1 / rest[1])
                before = np.minimum(before, np.nan_to_num(known / rate))
        k_now, n_now = self._own[k][0], self._own[n][0]
        return _chances(np.array([k_now, before * due]), np.array([n_now, before]))

    def _unit_chances(self) -> Floats:
        step = self._figure.columns.index("units")
        with np.errstate(all="ignore"):
            variance = np.zeros(len(self.able))
            for side in (self._own, self._rest):
                sales, mean = side["approved"], side["units"] / side["approved"]
                # At least the variance of a Poisson number of further units.
                spread = np.maximum(side["squares"] / sales - mean**2, mean - 1) + 1 / sales
                variance += (spread / mean**2 / sales).sum(axis=0)
            mean = self._own["units"][0] / self._own["approved"][0]
            return _far(np.log(mean / self._due[step]), variance)


def _price_index(sums: Sums, members: Floats, left: Floats) -> Floats:
    """Return how far the list prices of each value's products rose, compared with the rest's."""
    listed, units = sums.columns["listed"], sums.columns["units"]
    with np.errstate(all="ignore"):
        prices = listed / units
        old = np.nan_to_num(units[0] * np.where(np.isfinite(prices[1]), prices[1], prices[0]))
        own, rest = (of @ listed[0] / (of @ old) for of in (members, left - members))
        index: Floats = own / rest
    return index


def _chances(k: Floats, n: Floats) -> Floats:
    """Return the probabilities of counts as far from those before, by the findings' statistics."""
    counts, totals = (np.rint(it).astype(np.int64) for it in (k, np.maximum(k, n)))
    baseline = Baseline.of(counts[1:].T, totals[1:].T, _DRIFT)
    low, high = (baseline.tails(counts[0], totals[0], low=low) for low in (True, False))
    return np.minimum(low, high)


def _far(logarithms: Floats, variances: Floats | float) -> Floats:
    """Return the probabilities of normal logarithms so far from 0; 1 for one that is undefined."""
    with np.errstate(all="ignore"):
        z = np.abs(logarithms) / np.sqrt(variances + DRIFT**2)
    return np.array([math.erfc(it / math.sqrt(2)) if it >= 0 else 1.0 for it in z.tolist()])
