"""What is usual of a share of a count, from earlier windows, and how unlikely another count is.

Each window has `n` sales (or decisions, or …) of which `k` are of a subject. A window's share is
taken to vary about a mean by more than chance alone, and the next window's count then follows a
beta-binomial distribution. Its mean and its variance between windows are estimated by moments:
Kleinman, "Proportions with extraneous variance: single and independent samples", Journal of the
American Statistical Association 68 (1973) 46–54. The tails are sums of its probabilities, exact
for small counts too; no normal approximation decides anything.
"""

import math
from typing import Final, NamedTuple, Self

import numpy as np

from include.sales.draws import Floats, Ints

DRIFT: Final = 0.05
"""Standard deviation between windows that is assumed at least, of the share or of its rest,
whichever is smaller: how far what is usual moves without anybody being to blame. So no amount of
sales makes a small change a finding. Of `m` windows it is `1 + 2 / m` times as much: few of them
do not show how far they vary, and one shows nothing of it."""


class Usual(NamedTuple):
    """Beta-binomial of a next window: the parameters of its beta."""

    a: float
    b: float

    @property
    def share(self) -> float:
        """Mean share."""
        return self.a / (self.a + self.b)

    def below(self, k: int, n: int) -> float:
        """Probability of at most `k` of `n`."""
        return self._tail(k, n, self.a, self.b)

    def above(self, k: int, n: int) -> float:
        """Probability of at least `k` of `n`."""
        return self._tail(n - k, n, self.b, self.a)

    def band(self, n: int, outside: float) -> tuple[int, int]:
        """Least and greatest usual count of `n`: at most `outside` / 2 is beyond each of them."""
        steps = self._steps(np.arange(n), n, self.a, self.b)
        weights = np.concatenate([[0.0], np.cumsum(steps)])
        weights = np.exp(weights - weights.max())
        sums = np.cumsum(weights / weights.sum())
        low, high = np.searchsorted(sums, [outside / 2, 1 - outside / 2])
        return int(low), min(int(high), n)

    @staticmethod
    def _tail(k: int, n: int, a: float, b: float) -> float:
        """Probability of at most `k`, summed downwards from it, relative to it."""
        lgamma = math.lgamma
        at_k = (
            *(lgamma(n + 1), -lgamma(k + 1), -lgamma(n - k + 1)),
            *(lgamma(a + k), lgamma(b + n - k), -lgamma(a + b + n)),
            *(lgamma(a + b), -lgamma(a), -lgamma(b)),
        )
        down = -Usual._steps(np.arange(k - 1, -1, -1), n, a, b)
        ratios = np.exp(np.cumsum(down))
        return min(1.0, math.exp(math.fsum(at_k)) * (1.0 + float(ratios.sum())))

    @staticmethod
    def _steps(k: Ints, n: int, a: float, b: float) -> Floats:
        """Logarithm of how much likelier `k` + 1 is than `k`."""
        steps: Floats = np.log((n - k) * (a + k) / ((k + 1) * (b + n - k - 1)))
        return steps


class Baseline(NamedTuple):
    """What is usual of many subjects: columns of the parameters of `Usual`, a value a subject."""

    a: Floats
    b: Floats

    @classmethod
    def of(cls, k: Ints, n: Ints) -> Self:
        """Estimate from arrays (subjects, windows): `k` of the `n` in each; 0 ≤ k ≤ n."""
        total = n.sum(axis=1)
        sales = np.maximum(total, 1)
        # Half of one more of either kind (Jeffreys): a share is never known to be 0 or 1.
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
        drift = DRIFT * (1 + 2 / windows) * np.minimum(p, 1 - p)
        between = np.maximum(excess.clip(0, 1) * chance, drift**2)
        # The next window's share varies about a mean that itself is only estimated.
        variance = between * (1 + weight / sales) + chance / (total + 1)
        size = chance / np.minimum(variance, chance / 2) - 1
        return cls(p * size, (1 - p) * size)

    def usual(self, subject: int) -> Usual:
        """What is usual of one of them."""
        return Usual(float(self.a[subject]), float(self.b[subject]))

    def tails(self, k: Ints, n: Ints, *, low: bool) -> Floats:
        """Probability of as few as `k` of `n`, or as many, a value a subject.

        Within two standard deviations it is not small, and 1 stands for it.
        """
        size = self.a + self.b
        p = self.a / size
        deviation = np.sqrt(n * p * (1 - p) * (size + n) / (size + 1))
        beyond = (n * p - k) if low else (k - n * p)
        found = np.ones(len(p))
        for i in np.flatnonzero(beyond > 2 * deviation):
            usual, count, of = self.usual(int(i)), int(k[i]), int(n[i])
            found[i] = usual.below(count, of) if low else usual.above(count, of)
        return found


def holm(p: Floats, level: float) -> list[int]:
    """Which tests to believe, the surest first, so that any wrong one has at most chance `level`.

    Whatever the dependence between them: Holm, "A simple sequentially rejective multiple test
    procedure", Scandinavian Journal of Statistics 6 (1979) 65–70.
    """
    believed: list[int] = []
    for place, i in enumerate(np.argsort(p, kind="stable")):
        if p[i] > level / (len(p) - place):
            break
        believed.append(int(i))
    return believed
