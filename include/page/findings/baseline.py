"""Estimate the usual share of a subject from earlier windows, and how unlikely a new count is.

Each window has `n` sales (or decisions, or …), of which `k` belong to a subject. The model: shares
vary between windows by more than chance alone, so the next window's count follows a beta-binomial
distribution. Its mean and its variance between windows are estimated by moments:
Kleinman, "Proportions with extraneous variance: single and independent samples", Journal of the
American Statistical Association 68 (1973) 46–54. The tails are sums of its probabilities, exact
for small counts too; no finding depends on a normal approximation. `scipy.stats.betabinom` is not
used: its upper tails are 1 minus a sum, so 0 below 1e-16, a call takes 7 to 60 times as long, and
its import adds 2 s and 80 MB to the process.
"""

import math
from typing import Final, NamedTuple, Self

import numpy as np

from include.sales.random_numbers import Floats, Ints

DRIFT: Final = 0.05
"""Least standard deviation between windows, relative to the share or to 1 minus the share,
whichever is smaller. Shares move this far for ordinary reasons, so even with many sales a small
change is not a finding. With `m` past windows it is multiplied by `1 + 2 / m`, because few windows
show little of how much shares vary, and a single window shows nothing."""


class Usual(NamedTuple):
    """Beta-binomial distribution of the next window's count; `a` and `b` are its beta's."""

    a: float
    b: float

    @property
    def share(self) -> float:
        return self.a / (self.a + self.b)

    def below(self, k: int, n: int, most: float = 1.0) -> float:
        """Return the probability of at most `k` of `n`; 1 if `k` alone is likelier than `most`."""
        return self._tail(k, n, self.a, self.b, most)

    def above(self, k: int, n: int, most: float = 1.0) -> float:
        """Return the probability of at least `k` of `n`; 1 if `k` alone is likelier than `most`."""
        return self._tail(n - k, n, self.b, self.a, most)

    def band(self, n: int, outside: float) -> tuple[int, int]:
        """Return the least and greatest usual count of `n`.

        The probability of a count beyond either is at most `outside` / 2.
        """
        steps = self._steps(np.arange(n), n, self.a, self.b)
        weights = np.concatenate([[0.0], np.cumsum(steps)])
        weights = np.exp(weights - weights.max())
        sums = np.cumsum(weights / weights.sum())
        low, high = np.searchsorted(sums, [outside / 2, 1 - outside / 2])
        return int(low), min(int(high), n)

    @staticmethod
    def _tail(k: int, n: int, a: float, b: float, most: float) -> float:
        """Return the probability of at most `k`: that of `k` times a sum of ratios, downwards."""
        lgamma = math.lgamma
        at_k = (
            *(lgamma(n + 1), -lgamma(k + 1), -lgamma(n - k + 1)),
            *(lgamma(a + k), lgamma(b + n - k), -lgamma(a + b + n)),
            *(lgamma(a + b), -lgamma(a), -lgamma(b)),
        )
        likelihood = math.exp(math.fsum(at_k))
        if likelihood > most:
            return 1.0
        down = -Usual._steps(np.arange(k - 1, -1, -1), n, a, b)
        ratios = np.exp(np.cumsum(down))
        return min(1.0, likelihood * (1.0 + float(ratios.sum())))

    @staticmethod
    def _steps(k: Ints, n: int, a: float, b: float) -> Floats:
        """Return the logarithm of P(`k` + 1) / P(`k`)."""
        steps: Floats = np.log((n - k) * (a + k) / ((k + 1) * (b + n - k - 1)))
        return steps


class Baseline(NamedTuple):
    """Usual shares of many subjects: arrays of the parameters of `Usual`, one value per subject."""

    a: Floats
    b: Floats

    @classmethod
    def of(cls, k: Ints, n: Ints, drift: float = DRIFT) -> Self:
        """Estimate from arrays (subjects, windows) of `k` of `n`, with 0 ≤ k ≤ n."""
        total = n.sum(axis=1)
        sales = np.maximum(total, 1)
        # Jeffreys' half count for each side: a share is never estimated as exactly 0 or 1.
        p = (k.sum(axis=1) + 0.5) / (total + 1)
        chance = p * (1 - p)
        seen = np.divide(k, n, out=np.zeros(k.shape), where=n > 0)
        overall = (k.sum(axis=1) / sales)[:, np.newaxis]
        spread = (n * (seen - overall) ** 2).sum(axis=1) / chance
        windows = np.maximum((n > 0).sum(axis=1), 1)
        free = windows - 1
        weight = (n.astype(float) ** 2).sum(axis=1) / sales
        excess = np.divide(
            spread - free, total - weight - free, out=np.zeros(len(p)), where=total > weight + free
        )
        least = drift * (1 + 2 / windows) * np.minimum(p, 1 - p)
        between = np.maximum(excess.clip(0, 1) * chance, least**2)
        # The next share varies around the mean, and the mean itself is only an estimate.
        variance = between * (1 + weight / sales) + chance / (total + 1)
        size = chance / np.minimum(variance, chance / 2) - 1
        return cls(p * size, (1 - p) * size)

    def usual(self, subject: int) -> Usual:
        return Usual(float(self.a[subject]), float(self.b[subject]))

    def tails(self, k: Ints, n: Ints, *, low: bool, most: float = 1.0) -> Floats:
        """Return each subject's probability of at most `k` of `n` (`low`), or of at least `k`.

        A count within two standard deviations of the mean gets 1: its probability is not small. A
        probability above `most` may be 1, too, because its sum takes long.
        """
        size = self.a + self.b
        p = self.a / size
        deviation = np.sqrt(n * p * (1 - p) * (size + n) / (size + 1))
        beyond = (n * p - k) if low else (k - n * p)
        found = np.ones(len(p))
        for i in np.flatnonzero(beyond > 2 * deviation):
            usual, count, of = self.usual(int(i)), int(k[i]), int(n[i])
            found[i] = usual.below(count, of, most) if low else usual.above(count, of, most)
        return found


def holm(p: Floats, level: float) -> list[int]:
    """Return the indices of the significant tests, the smallest `p` first.

    The chance that any of them is a false alarm is at most `level`, whatever the dependence between
    the tests: Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal
    of Statistics 6 (1979) 65–70.
    """
    believed: list[int] = []
    for place, i in enumerate(np.argsort(p, kind="stable")):
        if p[i] > level / (len(p) - place):
            break
        believed.append(int(i))
    return believed
