"""The steps of a sale: it is decided within seconds, and some sales are returned days later.

A sale's events form a chain under one `id_venta`: `pendiente`, then `aprobada` or `rechazada`, then
for some approved sales `reembolsada` or `contracargo`. A transfer that never arrives stays pending.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from include.sales.conditional_shares import shares_table
from include.sales.drawn import Drawn
from include.sales.event import ESTADOS, TIPOS_PAGO
from include.sales.limits import DAY_SECONDS
from include.sales.market import Market
from include.sales.random_numbers import Choice, Floats, Ints
from include.sales.tables import CHANNELS, applicable

PENDING, APPROVED = ESTADOS.index("pendiente"), ESTADOS.index("aprobada")


STEPS = 3
"""Greatest number of steps of a sale: its beginning, its decision, its return."""

_RETURNS = ("reembolsada", "contracargo")


def is_return(estado: str) -> bool:
    return estado in _RETURNS


class Steps(NamedTuple):
    """The possible steps of some sales: arrays (sales, `STEPS`)."""

    state: Ints
    """Positions in `ESTADOS`."""
    ts: Ints
    """Epoch milliseconds."""
    happens: npt.NDArray[np.bool_]
    """Whether the sale has the step."""


def steps_of(drawn: Drawn[Ints], ts: Ints) -> Steps:
    """Return the steps of sales that begin at `ts`, in epoch milliseconds."""
    state = np.stack([np.full(len(ts), PENDING), drawn.outcome, drawn.end], axis=1)
    happens = np.repeat(drawn.occurs[:, np.newaxis] > 0, STEPS, axis=1)
    happens[:, 1:] &= state[:, 1:] != state[:, :-1]
    return Steps(state, np.stack([ts, ts + drawn.decided_ms, ts + drawn.ended_ms], axis=1), happens)


class Lifecycle:
    """Last states of approved sales, and duration of each step.

    Conditions are numbered `channel * payment types + payment type`.
    """

    def __init__(self, market: Market, seconds_per_day: int = DAY_SECONDS) -> None:
        """Take the market and the seconds that stand for one day of the time until a return.

        With fewer than `DAY_SECONDS`, returns come sooner: with 60, a day lasts a minute. The time
        until a decision does not change. Raises `ValueError` for a number out of 1 … `DAY_SECONDS`.
        """
        if not 1 <= seconds_per_day <= DAY_SECONDS:
            raise ValueError(
                f"seconds_per_day must be from 1 to {DAY_SECONDS}, not {seconds_per_day}"
            )
        conditions = [(channel, payment) for channel in CHANNELS for payment in TIPOS_PAGO]
        self._end = Choice(shares_table(market.returns, conditions, ESTADOS))
        decisions = [applicable(market.decisions, (payment,))[0] for payment in TIPOS_PAGO]
        self._decided = _between([(row.desde_segundos, row.hasta_segundos) for row in decisions], 1)
        days: list[tuple[float, float]] = []
        for condition in conditions:
            rows = {str(row.estado): row for row in applicable(market.returns, condition)}
            days += [
                (row.desde_dias, row.hasta_dias) if (row := rows.get(estado)) else (0, 0)
                for estado in ESTADOS
            ]
        self._returned = _between(days, seconds_per_day)

    def end(self, uniform: Floats, channel: Ints, payment: Ints) -> Ints:
        """Return the last states of approved sales, as positions in `ESTADOS`."""
        return self._end.pick(uniform, channel * len(TIPOS_PAGO) + payment)

    def decided_after(self, uniform: Floats, payment: Ints) -> Ints:
        """Return the milliseconds from each sale's beginning to its decision, at least 1."""
        return _milliseconds(self._decided[payment], uniform)

    def returned_after(self, uniform: Floats, channel: Ints, payment: Ints, end: Ints) -> Ints:
        """Return the milliseconds from each decision to the return; 1 if there is no return."""
        condition = channel * len(TIPOS_PAGO) + payment
        return _milliseconds(self._returned[condition * len(ESTADOS) + end], uniform)


def _between(ranges: list[tuple[float, float]], seconds: int) -> Floats:
    """Return the ranges in milliseconds; one unit of `ranges` lasts `seconds`."""
    table: Floats = np.array(ranges) * (1000 * seconds)
    return table


def _milliseconds(bounds: Floats, uniform: Floats) -> Ints:
    first, last = bounds[:, 0], bounds[:, 1]
    return 1 + np.floor(first + (last - first) * uniform).astype(np.int64)
