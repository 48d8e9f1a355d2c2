"""Shares of many subjects in the last window and in those before it."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Self

import numpy as np

from include.druid.findings.usual import Baseline
from include.sales.draws import Floats, Ints

SURE: Final = 0.01
"""Chance for one comparison that something else asked for: what explains a finding, and whether a
promotion sells more; the band that is shown has so much outside."""

REST: Final = 0.1
"""Part of the whole that has to be left to say that without some parts it is usual."""


class Shares(NamedTuple):
    """Shares of subjects in the last window and in those of the past."""

    k: Ints
    """(subjects, windows), the last window first."""
    n: Ints

    @classmethod
    def of_all(cls, k: Ints, n: Ints) -> Self:
        """Of subjects among all sales, `n` a window.

        A record that names a product twice counts twice among the products and once among the
        sales; a share is 1 at most all the same.
        """
        return cls(k, np.maximum(k, n))

    @property
    def baseline(self) -> Baseline:
        """What was usual in the past windows."""
        return Baseline.of(self.k[:, 1:], self.n[:, 1:])

    def tails(self, *, low: bool) -> Floats:
        """Chance of a last window as low, or as high, a value a subject."""
        return self.baseline.tails(self.k[:, 0], self.n[:, 0], low=low)

    def part(self, rows: Sequence[int]) -> "Shares":
        """Some of the subjects."""
        return Shares(self.k[rows], self.n[rows])

    def numbers(self, i: int, p: float, minutes: int) -> dict[str, float]:
        """Those that every finding has; see `Finding`."""
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


def told_apart(
    believed: Sequence[int], parents: Sequence[int | None], shares: Shares, *, low: bool
) -> list[int]:
    """Leave out what another finding explains: a payment type by its issuers, or they by it.

    If without the parts that were found the whole is usual, only the parts are told. If it is not,
    or hardly anything is left of it, only the whole is.
    """
    told = list(believed)
    for whole in believed:
        parts = [part for part in believed if parents[part] == whole]
        if parts:
            rest = Shares(*(it[[whole]] - it[parts].sum(axis=0) for it in shares))
            enough = rest.n[0, 0] >= REST * shares.n[whole, 0]
            explained = bool(enough and rest.tails(low=low)[0] > SURE)
            told = [i for i in told if i not in ([whole] if explained else parts)]
    return told
