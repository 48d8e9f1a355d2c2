"""Injected faults: which events of a run are duplicated, late, out of order or garbled.

The faults of an event are a pure function of (seed, sale, step), drawn from a random stream of
their own: pace, batches and shards do not change them. Without faults, a run's events are the same
as if this module did not exist. The original events are never altered: a duplicate is sent after
the event, a garbled copy before it. A late sale's `ts` is earlier than the moment of its sending.
"""

from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass, fields
from enum import IntEnum, auto
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

import msgspec
import numpy as np

from include.sales.bulk import Schedule
from include.sales.event import ESTADOS
from include.sales.lifecycle import STEPS
from include.sales.limits import MAX_PERCENT, check_seed
from include.sales.random_numbers import BLOCK, Floats, Ints, Stream, uniforms

Fate = Literal["unparseable", "processedWithError", "processed"]

FATES: Final[Mapping[str, Fate]] = {
    "truncado": "unparseable",
    "sin_ts": "unparseable",
    "codificacion": "unparseable",
    "tipo_erroneo": "processedWithError",
    "importe_absurdo": "processed",
}
"""Druid's counter for a copy of each garbled kind, as measured on Druid 33. All copies that are not
`unparseable` become rows. `cantidad` of a `tipo_erroneo` is 0 in sums; elsewhere it may be 0 or
null."""

OF_PACE: Final = ("rafaga", "silencio")
"""Kinds that change the gaps between sales, which only `Cadence` supports."""

GARBLED: Final = tuple(FATES)
KINDS: Final = ("duplicado", "tardio", "desordenado", *OF_PACE, *GARBLED)
"""Every kind of fault, by its name in the ledger. `tardio`, `desordenado`, `rafaga` and `silencio`
concern a whole sale and are counted with its first event; the other kinds concern one event."""

FLAG: Final[Mapping[str, int]] = {kind: 1 << number for number, kind in enumerate(KINDS)}
"""The bit of each kind in `Faults.marks`."""

ABSURD_CENTAVOS: Final = 10**12
"""Ten thousand million pesos: a 64-bit integer still holds the sum of a million such rows."""

COPY: Final = "x"
"""Last character of the `id_evento` of a garbled copy that becomes a row."""

_LATE_MS = (5 * 60_000, 120 * 60_000)
_DISORDER_MS = (1_000, 10_000)

MOST_LATE_MINUTES: Final = _LATE_MS[1] // 60_000

_BURST = 32
"""Number of consecutive sales in a burst."""
_BURST_FACTOR = 0.1
_SILENCE_SECONDS = 45.0
"""Length of a silence; it is shorter than the freshness check allows."""

STEP_OF_STATE: Final[Ints] = np.array([0, 1, 1, 2, 2])
"""Number of the step in which a sale has a state, by position in `ESTADOS`."""
assert len(STEP_OF_STATE) == len(ESTADOS)  # noqa: S101 - a new state needs its step


@dataclass(frozen=True)
class FaultRates:
    """Percent of events or sales with a fault, 0 to `MAX_PERCENT`, by kind.

    `duplicado` and `malformado` are percent of the events, `tardio`, `desordenado` and `silencio`
    percent of the sales, and `rafaga` percent of the blocks of 32 consecutive sales. Raises
    `ValueError` for a rate out of range.
    """

    duplicado: float = 0.0
    tardio: float = 0.0
    desordenado: float = 0.0
    malformado: float = 0.0
    rafaga: float = 0.0
    silencio: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            percent = getattr(self, field.name)
            if not 0 <= percent <= MAX_PERCENT:
                raise ValueError(
                    f"the rate of {field.name} must be from 0 to {MAX_PERCENT} percent, "
                    f"not {percent:g}"
                )

    @property
    def none(self) -> bool:
        return not any(astuple(self))


class _Draw(IntEnum):
    """The uniform random numbers of a sale.

    Only append to it: the order decides what every seed means.
    """

    SHIFT = 0
    SHIFT_BY = auto()
    BURST = auto()
    SILENCE = auto()
    REPEATED_0 = auto()
    REPEATED_1 = auto()
    REPEATED_2 = auto()
    GARBLED_0 = auto()
    GARBLED_1 = auto()
    GARBLED_2 = auto()
    KIND_0 = auto()
    KIND_1 = auto()
    KIND_2 = auto()


class _Block(NamedTuple):
    marks: Ints
    """(steps, BLOCK)."""
    shift: Ints
    """Milliseconds by which each sale's `ts` is before the moment at which it is sent."""


class Faults:
    """The faults of a run."""

    def __init__(self, seed: int, rates: FaultRates) -> None:
        """Take the run's seed; raises `ValueError` for a seed out of range."""
        check_seed(seed)
        self._seed = seed
        self._rates = rates
        self._block = lru_cache(maxsize=8)(self._draw)

    def marks(self, secuencia: Ints, state: Ints) -> Ints:
        """Return the faults of events given as columns: for each event, the bits of `FLAG`.

        `state` holds positions in `ESTADOS`.
        """
        found = np.zeros(len(secuencia), dtype=np.int64)
        block, row = np.divmod(secuencia, BLOCK)
        step = STEP_OF_STATE[state]
        for number in np.unique(block):
            chosen = block == number
            found[chosen] = self._block(int(number)).marks[step[chosen], row[chosen]]
        return found

    def shift(self, n: int) -> int:
        """Return the milliseconds by which the `ts` of sale n is before its sending."""
        block, row = divmod(n, BLOCK)
        return int(self._block(block).shift[row])

    def shifted(self, schedule: Schedule) -> Schedule:
        """Return the schedule with the late and out-of-order sales moved to earlier moments."""

        def earlier(first: int, stop: int) -> Ints:
            block, row = np.divmod(np.arange(first, stop), BLOCK)
            moments = schedule(first, stop).copy()
            for number in np.unique(block):
                chosen = block == number
                moments[chosen] -= self._block(int(number)).shift[row[chosen]]
            return moments

        return earlier

    def gap(self, n: int, seconds: float) -> float:
        """Return the seconds before sale n; `seconds` is the gap without bursts and silences."""
        block, row = divmod(n, BLOCK)
        marks = int(self._block(block).marks[0, row])
        if marks & FLAG["rafaga"]:
            seconds *= _BURST_FACTOR
        return seconds + (_SILENCE_SECONDS if marks & FLAG["silencio"] else 0.0)

    def _draw(self, block: int) -> _Block:
        u = uniforms(self._seed, Stream.FAULTS, block, rows=len(_Draw))
        rates = self._rates
        late = u[_Draw.SHIFT] < rates.tardio / 100
        disordered = ~late & (u[_Draw.SHIFT] < (rates.tardio + rates.desordenado) / 100)
        burst = np.repeat(u[_Draw.BURST, ::_BURST] < rates.rafaga / 100, _BURST)
        # Only sales with an odd row can have a silence, so that two silences never follow each
        # other; hence twice the rate.
        silent = u[_Draw.SILENCE] < 2 * rates.silencio / 100
        silent[::2] = False
        if block == 0:
            late[0] = disordered[0] = False  # the run begins at its first sale
        marks = np.zeros((STEPS, BLOCK), dtype=np.int64)
        for kind, hit in (
            ("tardio", late),
            ("desordenado", disordered),
            ("rafaga", burst),
            ("silencio", silent),
        ):
            marks[0] |= FLAG[kind] * hit
        for step in range(STEPS):
            repeated = u[_Draw.REPEATED_0 + step] < rates.duplicado / 100
            garbled = u[_Draw.GARBLED_0 + step] < rates.malformado / 100
            kind = np.floor(u[_Draw.KIND_0 + step] * len(GARBLED)).astype(np.int64)
            marks[step] |= FLAG["duplicado"] * repeated
            marks[step] |= garbled * (FLAG[GARBLED[0]] << kind)
        by = u[_Draw.SHIFT_BY]
        shift = late * _within(_LATE_MS, by) + disordered * _within(_DISORDER_MS, by)
        return _Block(marks, shift)


def garble(kind: str, event: bytes) -> bytes:
    """Return the garbled copy of an event's JSON; `kind` is one of `GARBLED`."""
    return _GARBLERS[kind](event)


def _within(bounds: tuple[int, int], uniform: Floats) -> Ints:
    first, last = bounds
    return first + np.floor((last - first) * uniform).astype(np.int64)


def _cut(event: bytes) -> bytes:
    return event[: len(event) // 2]


def _without_ts(event: bytes) -> bytes:
    values = msgspec.json.decode(event)
    del values["ts"]
    return msgspec.json.encode(values)


def _not_utf8(event: bytes) -> bytes:
    # UTF-16 would be no fault: Druid reads it as well as UTF-8.
    return event.replace(b'"id_evento":"', b'"id_evento":"\xff', 1)


def _copy(**changes: Any) -> Callable[[bytes], bytes]:
    def changed(event: bytes) -> bytes:
        values = msgspec.json.decode(event)
        return msgspec.json.encode({**values, "id_evento": values["id_evento"] + COPY, **changes})

    return changed


_GARBLERS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "truncado": _cut,
    "sin_ts": _without_ts,
    "codificacion": _not_utf8,
    # A text that is not a number: Druid would read a quoted number as that number.
    "tipo_erroneo": _copy(cantidad="una docena"),
    "importe_absurdo": _copy(importe_centavos=ABSURD_CENTAVOS),
}
