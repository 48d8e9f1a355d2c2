"""Back-fill: past days of the stores' sales, each day a deterministic run of its own.

A day is filled from one local midnight to the next, on the demand curve; today is filled until a
moment, and a later back-fill continues there. Days do not depend on each other, so they can be
filled in parallel and repeated. A live window that begins where the back-fill ends continues with
the curve's next arrival.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import numpy as np

from include.sales.arrivals import arrivals
from include.sales.demand import Demand
from include.sales.incidents import Incident
from include.sales.limits import MOST_DAYS
from include.sales.local_time import UTC_OFFSET_HOURS, epoch_ms, midnight
from include.sales.random_numbers import Ints

_DAY = timedelta(days=1)
_SLICE = timedelta(hours=1)


class Day(NamedTuple):
    """A local day: from `start` until `end` (not included), both in UTC."""

    day: date

    @property
    def start(self) -> datetime:
        return midnight(self.day)

    @property
    def end(self) -> datetime:
        return self.start + _DAY

    def corrida(self, seed: int, scale: float, stores: Sequence[str] = ()) -> str:
        """Return the name of the day's run: the same name for the same sales."""
        # The exact scale: with a rounded one, two different sets of sales would share a name.
        exact = repr(float(scale)).removesuffix(".0")
        name = f"relleno__{self.day}__{seed}__{exact}"
        if not stores:
            return name
        chosen = "\n".join(sorted(set(stores))).encode()
        return f"{name}__{hashlib.blake2b(chosen, digest_size=4).hexdigest()}"

    def has(self, incident: Incident) -> bool:
        """Return whether an incident lasts for a part of the day."""
        begins = datetime.fromisoformat(incident.desde)
        return begins < self.end and self.start < begins + timedelta(minutes=incident.minutos)


def past_days(now: datetime, count: int, *, today: bool = False) -> list[Day]:
    """Return the `count` whole local days before a moment, the oldest first.

    With `today`, the day of the moment follows them. Raises `ValueError` for a moment without time
    zone or a count out of 1 … `MOST_DAYS`.
    """
    if now.tzinfo is None:
        raise ValueError(f"the moment needs a time zone, but {now!r} has none")
    if not 1 <= count <= MOST_DAYS:
        raise ValueError(f"the number of days must be from 1 to {MOST_DAYS}, not {count}")
    this_day = (now.astimezone(UTC) + timedelta(hours=UTC_OFFSET_HOURS)).date()
    return [Day(this_day - n * _DAY) for n in range(count, -1 if today else 0, -1)]


def day_arrivals(demand: Demand, seed: int, day: Day, scale: float, until: datetime) -> Ints:
    """Return when the sales of a day before `until` begin, in epoch milliseconds and in order.

    A sale takes 8 bytes.
    """
    hours = [day.start + n * _SLICE for n in range(24)]
    begins = np.concatenate([arrivals(demand, seed, h, h + _SLICE, scale) for h in hours])
    return begins[: np.searchsorted(begins, epoch_ms(until))]
