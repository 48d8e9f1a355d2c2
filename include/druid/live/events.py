"""Events in columns: they are filtered and summed here as Druid would, without asking it again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Rows = list[dict[str, Any]]
Ints = npt.NDArray[np.int64]

CODED: Final = (
    *("provincia", "sucursal", "categoria", "producto", "tipo_pago", "emisor", "cuotas"),
    *("plataforma", "estado"),
)
"""What events are filtered and grouped by."""


class Codes:
    """A number for each value that a column was seen to have, from 0."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._numbers: dict[str, dict[Any, int]] = {name: {} for name in CODED}

    def number(self, column: str, value: Any) -> int:
        """The number of a value, or -1."""
        return self._numbers[column].get(value, -1)

    def encode(self, rows: Rows) -> "Events":
        """Events of rows as `live/events.sql` has them."""
        rows = sorted(rows, key=lambda row: int(row["momento"]))
        with self._lock:
            coded = {name: self._column(name, rows) for name in CODED}
        return Events(
            rows,
            np.array([row["momento"] for row in rows], dtype=np.int64),
            np.array([row["importe_centavos"] or 0 for row in rows], dtype=np.int64),
            coded,
        )

    def _column(self, name: str, rows: Rows) -> Ints:
        numbers = self._numbers[name]
        found = (numbers.setdefault(row[name], len(numbers)) for row in rows)
        return np.fromiter(found, dtype=np.int64, count=len(rows))


@dataclass(frozen=True)
class Events:
    """Events in the order of their moments, epoch milliseconds; money in centavos."""

    rows: Rows
    moments: Ints
    amounts: Ints
    coded: Mapping[str, Ints]

    def __add__(self, later: "Events") -> "Events":
        """These and events that are later."""
        return Events(
            self.rows + later.rows,
            np.concatenate([self.moments, later.moments]),
            np.concatenate([self.amounts, later.amounts]),
            {name: np.concatenate([self.coded[name], later.coded[name]]) for name in CODED},
        )

    def between(self, start: int, end: int) -> "Events":
        """Those from a moment to before another."""
        first, last = np.searchsorted(self.moments, [start, end]).tolist()
        return self._taken(slice(first, last), self.rows[first:last])

    def where(self, codes: Codes, values: Iterable[tuple[str, str]]) -> "Events":
        """Those that have these values in these columns."""
        found = self
        for column, value in values:
            places = np.flatnonzero(found.coded[column] == codes.number(column, value))
            found = found._taken(places, [found.rows[place] for place in places.tolist()])
        return found

    def grouped(self, columns: Sequence[str], bucket: timedelta | None = None) -> Rows:
        """Rows of a GROUP BY: the columns, `eventos` and `importe`.

        With a `bucket` also by the moment, rounded down to it in UTC, as `momento` in ISO 8601.
        """
        keys: list[Ints] = [self.coded[name] for name in columns]
        milliseconds = round(bucket.total_seconds() * 1000) if bucket else 0
        if bucket:
            keys.append(self.moments // milliseconds)
        key = np.zeros(len(self.rows), dtype=np.int64)
        for part in keys:
            key = key * (int(part.max(initial=0)) + 1) + part
        _, firsts, places = np.unique(key, return_index=True, return_inverse=True)
        events = np.bincount(places, minlength=len(firsts)).tolist()
        amounts = np.zeros(len(firsts), dtype=np.int64)
        np.add.at(amounts, places, self.amounts)
        found = []
        for first, count, amount in zip(firsts.tolist(), events, amounts.tolist(), strict=True):
            row = {name: self.rows[first][name] for name in columns}
            if bucket:
                moment = self.rows[first]["momento"] // milliseconds * milliseconds
                row["momento"] = datetime.fromtimestamp(moment / 1000, UTC).isoformat()
            found.append({**row, "eventos": count, "importe": amount})
        return found

    def latest(self, count: int) -> Rows:
        """The last of them, the latest first."""
        return self.rows[: -count - 1 : -1]

    def _taken(self, places: "slice | Ints", rows: Rows) -> "Events":
        return Events(
            rows,
            self.moments[places],
            self.amounts[places],
            {name: column[places] for name, column in self.coded.items()},
        )
