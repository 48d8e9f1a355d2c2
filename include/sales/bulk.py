"""The JSON of many events at once: the same bytes as `encode(source.sale(n, ts))`, as columns.

An event's text is put together from pieces that many events share: all of a store, all of a
product at a price and discount, all of a way to pay. Only numbers and times are written anew.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

import msgspec
import numpy as np

from include.sales.content import Drawn, SaleSource
from include.sales.draws import BLOCK, Ints
from include.sales.event import ESTADOS, PLATAFORMAS, TIPOS_PAGO
from include.sales.local_time import epoch_ms

Schedule = Callable[[int, int], Ints]
"""Epoch milliseconds of the events `first` … `stop` − 1; pure: a resumed run has the same."""

_MOST = 1000
"""Units, and instalments, are fewer."""


class Encoded(NamedTuple):
    """Consecutive events: what Kafka gets, and the columns that the ledger sums."""

    first: int
    keys: Sequence[str]
    """`id_venta` of each event."""
    values: Sequence[bytes]
    """JSON of each event."""
    ts: Ints
    """Epoch milliseconds."""
    outcome: Ints
    """Positions in `ESTADOS`."""
    cantidad: Ints
    importe_centavos: Ints
    iva_centavos: Ints
    descuento_centavos: Ints

    def __len__(self) -> int:
        """Count the events."""
        return len(self.values)


def evenly(start: datetime, rate: float) -> Schedule:
    """Time of a run whose events are evenly spaced: event n is n / `rate` seconds after `start`.

    Raises `ValueError` for a rate that is not above 0 or a start without time zone.
    """
    if not 0 < rate < float("inf"):
        raise ValueError(f"the events a second must be more than 0, and they are {rate:g}")
    began = epoch_ms(start)

    def schedule(first: int, stop: int) -> Ints:
        since: Ints = np.floor(np.arange(first, stop) * (1000 / rate)).astype(np.int64)
        return began + since

    return schedule


def split(total: int, shards: int) -> list[range]:
    """Divide events 0 … total−1 among shards: disjoint, in order, almost equal.

    Shards meet at the borders of blocks, so that no block is drawn twice.
    """
    if total < 0 or shards < 1:
        raise ValueError(f"there is no splitting {total} events into {shards} shards")
    blocks = -(-total // BLOCK)
    borders = [min(blocks * shard // shards * BLOCK, total) for shard in range(shards + 1)]
    return [range(start, stop) for start, stop in pairwise(borders)]


class BulkEncoder:
    """Encodes ranges of a run's events. Not for several threads."""

    def __init__(self, source: SaleSource) -> None:
        self._source = source
        self._stores = [
            _text(
                sucursal=store.sucursal,
                provincia=source.provincias[store.province],
                ciudad=store.ciudad,
            )
            for store in source.stores
        ]
        self._rates = [f',"alicuota_iva":{p.alicuota_iva},"iva_centavos":' for p in source.products]
        self._goods = _Pieces((len(source.products), _MOST), self._goods_text)
        self._terms = _Pieces(
            (
                len(TIPOS_PAGO),
                _MOST,
                len(source.issuers),
                len(ESTADOS),
                len(source.reasons),
                len(PLATAFORMAS),
            ),
            self._terms_text,
        )

    def blocks(self, events: range, schedule: Schedule) -> Iterator[Encoded]:
        """Encode events in order, a block at a time, the first and last cut to `events`."""
        first = events.start
        while first < events.stop:
            stop = min((first // BLOCK + 1) * BLOCK, events.stop)
            yield self.encode(first, schedule(first, stop))
            first = stop

    def encode(self, first: int, ts: Ints) -> Encoded:
        """Encode the events `first` … , one for each `ts`; all have to be of one block."""
        block, row = divmod(first, BLOCK)
        stop = row + len(ts)
        if first < 0 or not row < stop <= BLOCK:
            raise ValueError(f"events {first} … {first + len(ts) - 1} are not of one block")
        padded = np.full(BLOCK, ts[0])
        padded[row:stop] = ts
        drawn = Drawn(*(column[row:stop] for column in self._source.columns(block, padded)))
        events = range(first, first + len(ts))
        numbers = [f"{n:012d}" for n in events]
        return Encoded(
            first=first,
            keys=[f"v{self._source.run_key}-{n}" for n in numbers],
            values=self._values(events, numbers, ts, drawn),
            ts=ts,
            outcome=drawn.outcome,
            cantidad=drawn.cantidad,
            importe_centavos=drawn.importe_centavos,
            iva_centavos=drawn.iva_centavos,
            descuento_centavos=drawn.descuento_centavos,
        )

    def _values(
        self, events: range, numbers: list[str], ts: Ints, drawn: Drawn[Ints]
    ) -> list[bytes]:
        event = f'{{"id_evento":"e{self._source.run_key}-'
        sale = f'","id_venta":"v{self._source.run_key}-'
        run = f'Z",{_text(corrida=self._source.corrida)},"secuencia":'
        stores, rates = self._stores, self._rates
        return [
            (
                f'{event}{number}{sale}{number}","ts":"{second}{milli}{run}{n},{stores[store]},'
                f'{goods},"descuento_centavos":{discount},"importe_centavos":{amount}'
                f"{rates[product]}{iva},{terms}}}"
            ).encode("latin-1")
            for (
                n,
                number,
                second,
                milli,
                store,
                product,
                goods,
                discount,
                amount,
                iva,
                terms,
            ) in zip(
                events,
                numbers,
                *_times(ts),
                drawn.store.tolist(),
                drawn.product.tolist(),
                self._goods.of(drawn.product, drawn.cantidad),
                drawn.descuento_centavos.tolist(),
                drawn.importe_centavos.tolist(),
                drawn.iva_centavos.tolist(),
                self._terms.of(
                    drawn.payment,
                    drawn.cuotas,
                    drawn.issuer,
                    drawn.outcome,
                    drawn.reason,
                    drawn.platform,
                ),
                strict=True,
            )
        ]

    def _goods_text(self, product: int, cantidad: int) -> str:
        """What is bought, `producto` to `precio_unitario_centavos`."""
        it = self._source.products[product]
        return _text(
            producto=it.producto,
            sku=it.sku,
            categoria=it.categoria,
            cantidad=cantidad,
            precio_unitario_centavos=it.precio_centavos,
        )

    def _terms_text(
        self, payment: int, cuotas: int, issuer: int, outcome: int, reason: int, platform: int
    ) -> str:
        """How it is paid and what becomes of it, `tipo_pago` to `plataforma`."""
        return _text(
            tipo_pago=TIPOS_PAGO[payment],
            cuotas=cuotas,
            emisor=self._source.issuers[issuer],
            estado=ESTADOS[outcome],
            motivo=self._source.reasons[reason],
            plataforma=PLATAFORMAS[platform],
        )


class _Pieces(dict[int, str]):
    """Texts by the combination of some columns' values, made when first met."""

    def __init__(self, sizes: tuple[int, ...], text: Callable[..., str]) -> None:
        super().__init__()
        self._sizes = sizes
        self._text = text

    def of(self, *columns: Ints) -> list[str]:
        """Look up each row's; raises `ValueError` for a value that is not below its size."""
        return [self[key] for key in np.ravel_multi_index(columns, self._sizes).tolist()]

    def __missing__(self, key: int) -> str:
        values = np.unravel_index(key, self._sizes)
        piece = self[key] = self._text(*(int(value) for value in values))
        return piece


_MILLIS = [f".{milli:03d}" for milli in range(1000)]


def _times(ts: Ints) -> tuple[list[str], list[str]]:
    """Seconds and milliseconds of `ts`, as texts: `2026-11-24T12:00:00` and `.123`."""
    seconds, where = np.unique(ts // 1000, return_inverse=True)
    texts = np.datetime_as_string(seconds.astype("datetime64[s]")).tolist()
    millis = (ts % 1000).tolist()
    return [texts[i] for i in where.tolist()], [_MILLIS[i] for i in millis]


def _text(**members: str | int) -> str:
    """JSON members without braces, a character for each byte of UTF-8.

    So all pieces are one byte a character, which Python joins and turns into bytes fastest.
    """
    return msgspec.json.encode(members)[1:-1].decode("latin-1")
