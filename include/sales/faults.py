"""Faults on purpose: which events of a run are repeated, late, out of order or garbled.

What befalls an event is a pure function of (seed, sale, step), from a random stream of its own:
neither pace nor batches nor shards change it, and without faults the sales are what they are.
The proper events are never touched: a repeated one is sent again, a garbled one is a copy that is
sent before it. A late sale only begins earlier than it is sent.
"""

from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass, fields
from enum import IntEnum, auto
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

import msgspec
import numpy as np

from include.sales.bulk import Schedule
from include.sales.draws import BLOCK, Floats, Ints, Stream, check_seed, uniforms
from include.sales.event import ESTADOS
from include.sales.lifecycle import STEPS

MAX_PERCENT: Final = 50

Fate = Literal["unparseable", "processedWithError", "processed"]

FATES: Final[Mapping[str, Fate]] = {
    "truncado": "unparseable",
    "sin_ts": "unparseable",
    "codificacion": "unparseable",
    "tipo_erroneo": "processedWithError",
    "importe_absurdo": "processed",
}
"""How Druid counts a copy of each garbled kind, as measured on Druid 33. All but the unparseable
become rows. `cantidad` of a `tipo_erroneo` is 0 in sums; elsewhere it may be 0 or null."""

GARBLED: Final = tuple(FATES)
KINDS: Final = ("duplicado", "tardio", "desordenado", "rafaga", "silencio", *GARBLED)
"""Every kind, as the ledger names it; those between `duplicado` and the garbled are of a sale, and
counted with its first event."""

FLAG: Final[Mapping[str, int]] = {kind: 1 << number for number, kind in enumerate(KINDS)}
"""Bit of a kind in `Faults.marks`."""

ABSURD_CENTAVOS: Final = 10**12
"""Ten thousand million pesos. A million such rows still have a sum that a 64-bit integer holds."""

COPY: Final = "x"
"""Ends the `id_evento` of a garbled copy that becomes a row."""

_LATE_MS = (5 * 60_000, 120 * 60_000)
_DISORDER_MS = (1_000, 10_000)

MOST_LATE_MINUTES: Final = _LATE_MS[1] // 60_000

_BURST = 32
"""Sales in a row that a burst has."""
_BURST_FACTOR = 0.1
_SILENCE_SECONDS = 45.0
"""Less than the freshness check allows."""

STEP_OF_STATE: Final[Ints] = np.array([0, 1, 1, 2, 2])
"""Which step of a sale has a state, by position in `ESTADOS`."""
assert len(STEP_OF_STATE) == len(ESTADOS)  # noqa: S101 - a new state needs its step


@dataclass(frozen=True)
class FaultRates:
    """How many of a hundred are hit, 0 to `MAX_PERCENT`, by kind.

    `duplicado` and `malformado` are of the events, `tardio`, `desordenado` and `silencio` of the
    sales, `rafaga` of the stretches of 32 sales. Raises `ValueError` for any other number.
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
                    f"the rate of {field.name} is 0 to {MAX_PERCENT} percent, and it is {percent:g}"
                )

    @property
    def none(self) -> bool:
        """Whether nothing is hit at all."""
        return not any(astuple(self))

    @property
    def of_pace(self) -> bool:
        """Whether some change when sales are made, which only a cadence can."""
        return bool(self.rafaga or self.silencio)


class _Draw(IntEnum):
    """The uniforms of a sale. Append only: the order is part of every seed."""

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
    """Milliseconds, of each sale."""


class Faults:
    """What befalls the events of a run."""

    def __init__(self, seed: int, rates: FaultRates) -> None:
        """Take the run's seed; raises `ValueError` for one that is none."""
        check_seed(seed)
        self._seed = seed
        self._rates = rates
        self._block = lru_cache(maxsize=8)(self._draw)

    def marks(self, secuencia: Ints, state: Ints) -> Ints:
        """What befalls events, given as columns: bits, `FLAG` of each kind.

        `state` has positions in `ESTADOS`.
        """
        found = np.zeros(len(secuencia), dtype=np.int64)
        block, row = np.divmod(secuencia, BLOCK)
        step = STEP_OF_STATE[state]
        for number in np.unique(block):
            of = block == number
            found[of] = self._block(int(number)).marks[step[of], row[of]]
        return found

    def shift(self, n: int) -> int:
        """Milliseconds by which sale n begins before it is sent."""
        block, row = divmod(n, BLOCK)
        return int(self._block(block).shift[row])

    def shifted(self, schedule: Schedule) -> Schedule:
        """The schedule of sales whose late ones begin earlier."""

        def earlier(first: int, stop: int) -> Ints:
            block, row = np.divmod(np.arange(first, stop), BLOCK)
            moments = schedule(first, stop).copy()
            for number in np.unique(block):
                of = block == number
                moments[of] -= self._block(int(number)).shift[row[of]]
            return moments

        return earlier

    def gap(self, n: int, seconds: float) -> float:
        """Seconds before sale n, which are so many without bursts and silences."""
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
        # Every other sale at most, so that no two silences make a long one.
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
    """The garbled copy of an event's JSON; `kind` is one of `GARBLED`."""
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
    # UTF-16 will not do: Druid reads it as it reads UTF-8.
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
    # A number in quotes would be read as the number.
    "tipo_erroneo": _copy(cantidad="una docena"),
    "importe_absurdo": _copy(importe_centavos=ABSURD_CENTAVOS),
}
