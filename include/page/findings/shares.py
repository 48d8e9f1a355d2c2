"""Shares of many subjects, in the last window and in the windows before it."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Self

import numpy as np

from include.page.findings.baseline import Baseline
from include.sales.random_numbers import Floats, Ints

SURE: Final = 0.01
"""Significance level of a follow-up comparison: which issuer explains a fall, or whether a
promotion sells more. Also the part of usual windows that is outside the band shown."""

REST: Final = 0.1
"""Least part of the whole that must remain to judge whether it is usual without some parts."""


class Shares(NamedTuple):
    """Counts `k` of `n` by subject, in the last window and in past windows."""

    k: Ints
    """(subjects, windows), the last window first."""
    n: Ints
    """As `k`."""

    @classmethod
    def of_all(cls, k: Ints, n: Ints) -> Self:
        """Return the shares of subjects in all sales, of which each window has `n`.

        A record that names a product twice counts twice for the product, but once in the sales, so
        `n` is raised to `k` where needed: no share is above 1.
        """
        return cls(k, np.maximum(k, n))

    @property
    def baseline(self) -> Baseline:
        return Baseline.of(self.k[:, 1:], self.n[:, 1:])

    def tails(self, *, low: bool, most: float) -> Floats:
        """Return each subject's probability of a last window so low, or so high.

        Probabilities above `most` may be 1.
        """
        return self.baseline.tails(self.k[:, 0], self.n[:, 0], low=low, most=most)

    def both_tails(self, *, most: float) -> Floats:
        """Return the tails (2, subjects): of a last window so high, and of one so low."""
        k, n, baseline = self.k[:, 0], self.n[:, 0], self.baseline
        return np.array([baseline.tails(k, n, low=low, most=most) for low in (False, True)])

    def part(self, rows: Sequence[int]) -> "Shares":
        return Shares(self.k[rows], self.n[rows])

    def numbers(self, i: int, p: float, minutes: int) -> dict[str, float]:
        """Return the numbers that every finding has, as `Finding` describes them."""
        k, n = int(self.k[i, 0]), int(self.n[i, 0])
        usual = self.part([i]).baseline.usual(0)
        low, high = usual.band(n, SURE)
        return {
            "k": k,
            "n": n,
            "share": k / n,
            "usual": usual.share,
            "low": low / n,
            "high": high / n,
            "expected": usual.share * n,
            "p": p,
            "minutes": minutes,
            "windows": int((self.n[i, 1:] > 0).sum()),
            "base_k": int(self.k[i, 1:].sum()),
            "base_n": int(self.n[i, 1:].sum()),
        }


def drop_explained(
    believed: Sequence[int], parents: Sequence[int | None], shares: Shares, *, low: bool
) -> list[int]:
    """Remove findings that another one explains: a payment type by its issuers, or the reverse.

    If a whole (the payment type) is usual without its unusual parts (the issuers), only the parts
    stay. If it is still unusual, or less than `REST` of it remains, only the whole stays.
    """
    kept = list(believed)
    for whole in believed:
        parts = [part for part in believed if parents[part] == whole]
        if parts:
            rest = Shares(*(array[[whole]] - array[parts].sum(axis=0) for array in shares))
            enough = rest.n[0, 0] >= REST * shares.n[whole, 0]
            explained = bool(enough and rest.tails(low=low, most=SURE)[0] > SURE)
            kept = [i for i in kept if i not in ([whole] if explained else parts)]
    return kept
