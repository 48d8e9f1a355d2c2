"""Encode many events at once: the same bytes as `encode` gives for the events of `source.chain`.

The JSON of an event is joined from pieces that many events share: one for the store, one for the
product with quantity and discount, one for the payment and state. The part that is the same in all
events of a sale is joined once. `SaleSource` has the fields of each piece.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from include.sales.content import Fields, SaleSource, customer_id
from include.sales.drawn import Drawn
from include.sales.event import ESTADOS, PLATAFORMAS, TIPOS_PAGO, Venta
from include.sales.lifecycle import STEPS, steps_of
from include.sales.local_time import epoch_ms
from include.sales.random_numbers import BLOCK, Ints

Schedule = Callable[[int, int], Ints]
"""Returns the epoch milliseconds of the sales `first` … `stop` − 1.

It must be a pure function, so that a resumed run has the same moments.
"""

_MOST = 1000
"""Units, percents and instalments are all below this number."""

_FINEST_RATE = 1_000_000
"""Greatest denominator of a rate: with it, the millisecond of sale 10⁹ is exact in 64 bits."""


class Encoded(NamedTuple):
    """The events of consecutive sales, in the order of the sales and of each sale's steps.

    It holds the records for Kafka and the columns that the ledger sums, with one row per event,
    and the sales that have no events.
    """

    sales: range
    keys: Sequence[str]
    """`id_venta` of each event."""
    values: Sequence[bytes]
    """JSON of each event."""
    secuencia: Ints
    ts: Ints
    """Epoch milliseconds."""
    state: Ints
    """Positions in `ESTADOS`."""
    cantidad: Ints
    importe_centavos: Ints
    iva_centavos: Ints
    descuento_centavos: Ints
    omitted: Ints
    """Numbers of the sales that an incident prevents."""
    omitted_ts: Ints
    """Epoch milliseconds at which they would have begun."""


def evenly(start: datetime, rate: float) -> Schedule:
    """Return a schedule of evenly spaced sales: sale n is n / `rate` seconds after `start`.

    Raises `ValueError` for a rate that is not above 0 and finite, or a start without time zone.
    """
    if not 0 < rate < float("inf"):
        raise ValueError(f"the rate must be above 0 sales per second, not {rate:g}")
    began = epoch_ms(start)
    # The fraction of the rate's decimal text: 0.1 means exactly 1/10, which no float is.
    exact = Fraction(str(rate)).limit_denominator(_FINEST_RATE)
    exact = max(exact, Fraction(1, _FINEST_RATE))
    scale = 1000 * exact.denominator

    def schedule(first: int, stop: int) -> Ints:
        return began + np.arange(first, stop, dtype=np.int64) * scale // exact.numerator

    return schedule


def split(total: int, shards: int) -> list[range]:
    """Divide sales 0 … total−1 into ranges for the shards: disjoint, in order, almost equal.

    Shards begin and end at block boundaries, so that no block is drawn twice.
    """
    if total < 0 or shards < 1:
        raise ValueError(f"cannot split {total} sales into {shards} shards")
    blocks = -(-total // BLOCK)
    borders = [min(blocks * shard // shards * BLOCK, total) for shard in range(shards + 1)]
    return [range(start, stop) for start, stop in pairwise(borders)]


class BulkEncoder:
    """Encode the events of a run's sales. Not safe for several threads."""

    def __init__(
        self, source: SaleSource, until: datetime | None = None, after: datetime | None = None
    ) -> None:
        """Take the run's source; leave out events up to `after`, and those from `until` on."""
        self._source = source
        self._after = np.iinfo(np.int64).min if after is None else epoch_ms(after)
        self._until = np.iinfo(np.int64).max if until is None else epoch_ms(until)
        self._stores = [_text(source.store_fields(n)) for n in range(len(source.stores))]
        self._event = f'{{"id_evento":"e{source.run_key}-'
        self._steps = [f'-{step}","id_venta":"v{source.run_key}-' for step in range(STEPS)]
        self._goods = _Pieces((len(source.products), _MOST, _MOST, _MOST), source.purchase_fields)
        self._endings = _Pieces(
            (
                len(TIPOS_PAGO),
                _MOST,
                len(source.issuers),
                len(ESTADOS),
                len(source.reasons),
                len(PLATAFORMAS),
            ),
            source.step_fields,
        )

    def blocks(self, sales: range, schedule: Schedule) -> Iterator[Encoded]:
        """Encode sales in order, one block at a time; the first and last are cut to `sales`."""
        first = sales.start
        while first < sales.stop:
            stop = min((first // BLOCK + 1) * BLOCK, sales.stop)
            yield self.encode(first, schedule(first, stop))
            first = stop

    def encode(self, first: int, ts: Ints) -> Encoded:
        """Encode consecutive sales from `first` on, one for each `ts`; all must be of one block."""
        block, row = divmod(first, BLOCK)
        stop = row + len(ts)
        if first < 0 or not row < stop <= BLOCK:
            raise ValueError(f"sales {first} … {first + len(ts) - 1} are not all in one block")
        padded = np.full(BLOCK, ts[0])
        padded[row:stop] = ts
        drawn = Drawn(*(column[row:stop] for column in self._source.columns(block, padded)))
        sales = range(first, first + len(ts))

        # From here on, one row per event: the position of its sale and the number of its step.
        steps = steps_of(drawn, ts)
        happens = steps.happens & self._within(steps.ts)
        omitted = np.flatnonzero((drawn.occurs == 0) & self._within(ts))
        sale, step = np.nonzero(happens)
        state, moment = steps.state[happens], steps.ts[happens]

        key = f"v{self._source.run_key}-"
        numbers = [f"{n:012d}" for n in sales]
        keys = [key + number for number in numbers]
        rows = sale.tolist()
        payment, cuotas, issuer, reason, platform = (
            column[sale]
            for column in (
                drawn.payment,
                drawn.cuotas,
                drawn.issuer,
                drawn.reason,
                drawn.platform,
            )
        )
        endings = self._endings.of(
            payment, cuotas, issuer, state, np.where(step == 1, reason, 0), platform
        )
        bodies = self._bodies(sales, drawn)
        event, ids = self._event, self._steps
        return Encoded(
            sales=sales,
            keys=[keys[i] for i in rows],
            values=[
                (
                    f'{event}{numbers[i]}{ids[paso]}{numbers[i]}","ts":"{second}{milli}'
                    f"{bodies[i]}{ending}}}"
                ).encode("latin-1")
                for i, paso, second, milli, ending in zip(
                    rows, step.tolist(), *_times(moment), endings, strict=True
                )
            ],
            secuencia=first + sale,
            ts=moment,
            state=state,
            cantidad=drawn.cantidad[sale],
            importe_centavos=drawn.importe_centavos[sale],
            iva_centavos=drawn.iva_centavos[sale],
            descuento_centavos=drawn.descuento_centavos[sale],
            omitted=first + omitted,
            omitted_ts=ts[omitted],
        )

    def _within(self, ts: Ints) -> npt.NDArray[np.bool_]:
        return (self._after < ts) & (ts < self._until)

    def _bodies(self, sales: range, drawn: Drawn[Ints]) -> list[str]:
        """Return the JSON that is the same in all events of a sale, `corrida` to `iva_centavos`."""
        run = f'Z",{_text({"corrida": self._source.corrida})},"secuencia":'
        stores = self._stores
        return [
            f'{run}{n},{stores[store]},"cliente":"{customer}",{goods},'
            for n, store, customer, goods in zip(
                sales,
                drawn.store.tolist(),
                map(customer_id, drawn.customer.tolist()),
                self._goods.of(drawn.product, drawn.cantidad, drawn.percent, drawn.price_percent),
                strict=True,
            )
        ]


class _Pieces(dict[int, str]):
    """A cache of JSON texts, one for each combination of some columns' values."""

    def __init__(self, sizes: tuple[int, ...], fields: Callable[..., Fields]) -> None:
        super().__init__()
        self._sizes = sizes
        self._fields = fields

    def of(self, *columns: Ints) -> list[str]:
        """Return each row's text; raises `ValueError` for a value that is not below its size."""
        return [self[key] for key in np.ravel_multi_index(columns, self._sizes).tolist()]

    def __missing__(self, key: int) -> str:
        values = np.unravel_index(key, self._sizes)
        piece = self[key] = _text(self._fields(*(int(value) for value in values)))
        return piece


_MILLIS = [f".{milli:03d}" for milli in range(1000)]


def _times(ts: Ints) -> tuple[list[str], list[str]]:
    """Return the seconds and milliseconds of `ts` as texts: `2026-11-24T12:00:00` and `.123`."""
    seconds, where = np.unique(ts // 1000, return_inverse=True)
    texts = np.datetime_as_string(seconds.astype("datetime64[s]")).tolist()
    millis = (ts % 1000).tolist()
    return [texts[i] for i in where.tolist()], [_MILLIS[i] for i in millis]


def _text(fields: Fields) -> str:
    """Return JSON members without braces, with one character for each byte of UTF-8.

    All pieces then have one byte per character: Python joins and encodes such texts fastest.

    Raises `ValueError` if another field of `Venta` stands between them: a piece is one text.
    """
    names = [name for name in Venta.__struct_fields__ if name in fields]
    first = Venta.__struct_fields__.index(names[0])
    if list(Venta.__struct_fields__[first : first + len(fields)]) != names:
        raise ValueError(f"{', '.join(fields)} must follow one another in `Venta`")
    return msgspec.json.encode({name: fields[name] for name in names})[1:-1].decode("latin-1")
