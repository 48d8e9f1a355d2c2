"""Split the change of a figure into effects whose sum is the change.

The method is the additive logarithmic mean Divisia index (LMDI I): B. W. Ang, "The LMDI approach to
decomposition analysis: a practical guide", Energy Policy 33 (2005) 867–871. If a value, such as a
store, has the product V = x₁·x₂·… now and before, the effect of xᵢ is L(V₁, V₀)·ln(xᵢ₁/xᵢ₀) with
the logarithmic mean L(a, b) = (a − b)/ln(a/b), and these effects sum to V₁ − V₀. A factor that is 0
on one side takes the whole change of its value, which is the limit: R. Wood and M. Lenzen,
"Zero-value problems of the logarithmic mean divisia index decomposition method", Energy Policy 34
(2006) 1326–1331.
"""

from itertools import pairwise

import numpy as np

from include.sales.random_numbers import Floats


def split(now: Floats, before: Floats, *, is_ratio: bool) -> Floats:
    """Return the effects of a figure's factors, of all values of a dimension together.

    Args:
        now: the sums of the figure's chain: an array (sums, values).
        before: as `now`, for the earlier range.
        is_ratio: whether the figure is the last sum by the first one.

    Returns:
        The effects of volume (unless `is_ratio`), of the mix (the values' shares of the first sum),
        and of the rate of each further sum.
    """
    factors, products = _factors(now, is_ratio)
    factors_before, products_before = _factors(before, is_ratio)
    change = products - products_before
    with np.errstate(all="ignore"):
        weights = np.where(change == 0, products, change / np.log(products / products_before))
        effects = np.nan_to_num(weights * np.log(factors / factors_before), posinf=0, neginf=0)
    for value in np.flatnonzero((products > 0) != (products_before > 0)):
        sides = (factors, factors_before)
        empty = sides[int(products[value] > 0)][:, value]
        effects[:, value] = 0
        # The first factor that is 0 is the cause: the rates after it are 0 / 0.
        effects[np.argmax(~(empty > 0)), value] = change[value]
    found: Floats = effects.sum(axis=1)
    # Floats round, and amounts below 0, which only a malformed record has, have no logarithm.
    found[-1] = change.sum() - found[:-1].sum()
    return found


def whole(effects: Floats, change: int) -> list[int]:
    """Round effects to whole numbers that sum to `change` exactly."""
    ends = [0, *(round(end) for end in np.cumsum(effects)[:-1].tolist()), change]
    return [end - start for start, end in pairwise(ends)]


def _factors(columns: Floats, is_ratio: bool) -> tuple[Floats, Floats]:
    """Return the factors of each value, an array (factors, values), and their products."""
    total = columns[0].sum()
    with np.errstate(all="ignore"):
        shares = columns[:1] / total
        rates = columns[1:] / columns[:-1]
    volume = np.full((0 if is_ratio else 1, columns.shape[1]), total)
    product = columns[-1] / total if is_ratio else columns[-1]
    return np.concatenate([volume, shares, rates]), product
