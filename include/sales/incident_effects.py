"""Apply the incidents of a run to its sales.

A sale that no incident concerns is the same as in a run without incidents, and a changed sale is
still a pure function of (seed, n) and its moment:

- Fewer sales: some sales of the subject do not occur. Their numbers stay unused.
- More sales: a run does not get more sales, but customers who would have bought, or paid with,
  something else take the subject. Each of them chooses again, as often as the incident says, and
  keeps the first choice that is the subject. So a small share is multiplied, and no share passes
  100 %. Store, platform, line of business and units stay if the subject is a product; the product,
  too, if it is a means of payment.
- The other effects change the price, the units, the discount, the decision or the return of the
  subject's sales.

An incident concerns the sales that begin while it lasts; the returns that it causes follow within
the same time. All incidents of a run share the random numbers of their effects, so one more
incident does not change those of the others. The effects of several incidents multiply.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from include.sales.drawn import Drawn
from include.sales.event import ESTADOS, TIPOS_PAGO
from include.sales.incident_tables import EFFECTS, SUBJECT_COLUMNS
from include.sales.incidents import Incident, kind_of, subject_of, values_of
from include.sales.lifecycle import APPROVED
from include.sales.local_time import epoch_ms
from include.sales.market import Market
from include.sales.random_numbers import BLOCK, Choice, Floats, Ints, Stream, uniforms
from include.sales.tables import CHANNELS, Store, applicable

Mask = npt.NDArray[np.bool_]
ChooseAgain = Callable[[int, Sequence[str]], Drawn[Ints]]
"""Returns a block whose customers chose columns of `Drawn` again, for the first, second … time."""

_MINUTE_MS: Final = 60_000
_MOST: Final = 999
"""Greatest number of units, and greatest price in percent, however many incidents meet."""
_REJECTED, _REFUNDED, _CHARGED_BACK = (
    ESTADOS.index(state) for state in ("rechazada", "reembolsada", "contracargo")
)

_DRAWS: Final = (
    *("again", "ventas", "unidades", "aprobacion", "reason"),
    *("reembolsos", "contracargos", "returned"),
)
"""The uniform random numbers of a sale. Only append to it: the order decides what every seed
means."""


class _Planted(NamedTuple):
    """An incident, ready for the columns of a run."""

    start: int
    end: int
    """Epoch milliseconds; the end is not part of it."""
    subject: list[tuple[str, Ints]]
    """Columns of `Drawn`, and the positions that the subject has in each."""
    again: float
    """How often each other customer chooses again."""
    factors: Floats
    """Factors of the usual values, in the order of `EFFECTS`."""

    def concerns(self, drawn: Drawn[Ints]) -> Mask:
        found: Mask = np.ones(BLOCK, dtype=np.bool_)
        for column, positions in self.subject:
            found &= np.isin(getattr(drawn, column), positions)
        return found


class IncidentEffects:
    """The effects of the incidents of a run of some stores."""

    def __init__(
        self, market: Market, stores: Sequence[Store], incidents: Sequence[Incident], reason: Choice
    ) -> None:
        """Take the run's stores and incidents; `reason` is that of `Payments`.

        Raises `InputError` for an incident whose kind or subject does not exist.
        """
        self._reason = reason
        self._planted = [_planted(market, stores, incident) for incident in incidents]
        self._can_be_charged_back = np.flatnonzero(
            [_has_chargebacks(market, t) for t in TIPOS_PAGO]
        )

    def active(self, moment: int) -> tuple[bool, ...]:
        """Return for each incident whether it lasts at a moment, in epoch milliseconds."""
        return tuple(one.start <= moment < one.end for one in self._planted)

    def changed(
        self, drawn: Drawn[Ints], seed: int, block: int, ts: Ints, choose_again: ChooseAgain
    ) -> Drawn[Ints]:
        """Return the sales of a block as the incidents change them, but for their amounts."""
        lasting = [(one, (one.start <= ts) & (ts < one.end)) for one in self._planted]
        lasting = [(one, rows) for one, rows in lasting if rows.any()]
        if not lasting:
            return drawn
        u = dict(
            zip(_DRAWS, uniforms(seed, Stream.INCIDENTS, block, rows=len(_DRAWS)), strict=True)
        )
        drawn = _diverted(drawn, lasting, u["again"], choose_again)
        factors = np.ones((len(EFFECTS), BLOCK))
        within = np.zeros(BLOCK, dtype=np.int64)
        for one, rows in lasting:
            hit = rows & one.concerns(drawn)
            factors[:, hit] *= one.factors[:, np.newaxis]
            within[hit] = np.maximum(within[hit], one.end - one.start)
        f = dict(zip((effect.name for effect in EFFECTS), factors, strict=True))

        reason = self._reason.pick(u["reason"], drawn.payment)
        approved = drawn.outcome == APPROVED
        # A payment type without reasons, such as cash, is never rejected.
        rejected = approved & (u["aprobacion"] >= f["aprobacion"]) & (reason > 0)
        kept = approved & ~rejected & (drawn.end == APPROVED)
        refunded = kept & (u["reembolsos"] >= f["reembolsos"])
        charged_back = kept & ~refunded & (u["contracargos"] >= f["contracargos"])
        charged_back &= np.isin(drawn.payment, self._can_be_charged_back)
        returned = drawn.decided_ms + 1 + np.floor(u["returned"] * within).astype(np.int64)
        return drawn._replace(
            occurs=drawn.occurs & (u["ventas"] < f["ventas"]),
            outcome=np.where(rejected, _REJECTED, drawn.outcome),
            reason=np.where(rejected, reason, drawn.reason),
            cantidad=np.minimum(
                np.floor(drawn.cantidad * f["unidades"] + u["unidades"]).astype(np.int64), _MOST
            ),
            price_percent=np.clip(_percent(f["precio"]), 1, _MOST),
            percent=np.maximum(drawn.percent, np.minimum(100 - _percent(f["descuento"]), 99)),
            end=np.select(
                [rejected, refunded, charged_back],
                [_REJECTED, _REFUNDED, _CHARGED_BACK],
                drawn.end,
            ),
            ended_ms=np.where(refunded | charged_back, returned, drawn.ended_ms),
        )


def _diverted(
    drawn: Drawn[Ints],
    lasting: Sequence[tuple[_Planted, Mask]],
    fraction: Floats,
    choose_again: ChooseAgain,
) -> Drawn[Ints]:
    """Return the sales after other customers have taken the subjects that sell more.

    `fraction` decides who chooses a last time if an incident does not say a whole number of times.
    """
    more = [(one, rows) for one, rows in lasting if one.again > 0]
    free = np.ones(BLOCK, dtype=np.bool_)
    for one, rows in more:
        free &= ~(rows & one.concerns(drawn))
    for number in range(int(np.ceil(max((one.again for one, _ in more), default=0)))):
        for one, rows in more:
            choosing = free & rows & (fraction < one.again - number)
            if not choosing.any():
                continue
            other = choose_again(number, [column for column, _ in one.subject])
            taken = choosing & one.concerns(other)
            free &= ~taken
            pairs: Any = zip(drawn, other, strict=True)
            drawn = type(drawn)(*(np.where(taken, new, old) for old, new in pairs))
    return drawn


def _percent(factor: Floats) -> Ints:
    return np.rint(100 * factor).astype(np.int64)


def _planted(market: Market, stores: Sequence[Store], incident: Incident) -> _Planted:
    kind = kind_of(market, incident.tipo)
    start = epoch_ms(datetime.fromisoformat(incident.desde))
    factors = [1 + it.sign * kind.change(it, incident.tamano) / 100 for it in EFFECTS]
    return _Planted(
        start=start,
        end=start + round(incident.minutos * _MINUTE_MS),
        subject=[
            (
                SUBJECT_COLUMNS[field],
                np.flatnonzero(np.array(values_of(market, stores, field)) == value),
            )
            for field, value in subject_of(market, kind, incident.sujeto)
        ],
        again=factors[0] - 1,
        factors=np.array([min(factors[0], 1.0), *factors[1:]]),
    )


def _has_chargebacks(market: Market, payment: str) -> bool:
    return any(
        row.estado == "contracargo" and row.share > 0
        for channel in CHANNELS
        for row in applicable(market.returns, (channel, payment))
    )
