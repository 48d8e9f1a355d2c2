"""Back-fill: whole past days of a chain of stores, each a run of its own that is always the same.

A day is filled from its local midnight to the next, on the demand curve. Days do not depend on each
other, so they can be filled beside each other and again; the live window that begins at the end
goes on with the curve's next arrival.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import numpy as np

from include.sales.arrivals import arrivals
from include.sales.demand import Demand
from include.sales.draws import Ints
from include.sales.local_time import UTC_OFFSET_HOURS, midnight

MOST_DAYS = 366

_DAY = timedelta(days=1)
_SLICE = timedelta(hours=1)


class Day(NamedTuple):
    """A local day: from `start` until `end` (not included), both in UTC."""

    day: date

    @property
    def start(self) -> datetime:
        """Local midnight."""
        return midnight(self.day)

    @property
    def end(self) -> datetime:
        """The next one."""
        return self.start + _DAY

    def corrida(self, seed: int, scale: float, stores: Sequence[str] = ()) -> str:
        """The run that fills it: the same for the same sales."""
        # In full: a scale that is rounded would make one run of two kinds of sales.
        exact = repr(float(scale)).removesuffix(".0")
        name = f"relleno__{self.day}__{seed}__{exact}"
        if not stores:
            return name
        chosen = "\n".join(sorted(set(stores))).encode()
        return f"{name}__{hashlib.blake2b(chosen, digest_size=4).hexdigest()}"


def past_days(now: datetime, count: int) -> list[Day]:
    """The `count` whole local days before a moment, the oldest first.

    Raises `ValueError` for a moment without time zone or a count out of 1 … `MOST_DAYS`.
    """
    if now.tzinfo is None:
        raise ValueError(f"a moment needs a time zone, and {now!r} has none")
    if not 1 <= count <= MOST_DAYS:
        raise ValueError(f"1 to {MOST_DAYS} days can be filled, and {count} are asked for")
    today = (now.astimezone(UTC) + timedelta(hours=UTC_OFFSET_HOURS)).date()
    return [Day(today - n * _DAY) for n in range(count, 0, -1)]


def day_arrivals(demand: Demand, seed: int, day: Day, scale: float) -> Ints:
    """When the sales of a day begin, epoch milliseconds in order; eight bytes a sale."""
    hours = [day.start + n * _SLICE for n in range(24)]
    return np.concatenate([arrivals(demand, seed, h, h + _SLICE, scale) for h in hours])
