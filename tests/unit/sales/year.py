"""A year of sales as columns."""

from typing import NamedTuple

from include.sales.drawn import Drawn
from include.sales.random_numbers import Ints


class Year(NamedTuple):
    """Sales of a year as columns, with derived columns for the tests."""

    drawn: Drawn[Ints]
    hour: Ints
    """Local hour of each sale, as `local_time` counts them."""
    category: Ints
    group: Ints
    channel: Ints
    province: Ints
