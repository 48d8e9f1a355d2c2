"""Events in columns: they are filtered and summed here as Druid would, without asking it again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from include.druid.live.names import clean

Rows = list[dict[str, Any]]
Ints = npt.NDArray[np.int64]

CODED: Final = (
    *("provincia", "sucursal", "categoria", "producto", "tipo_pago", "emisor", "cuotas"),
    *("plataforma", "estado"),
)
"""What events are filtered and grouped by."""

MOST_VALUES: Final = 10_000
"""Different values of a column that are kept apart; any further one counts as None, unknown."""

SPARSE: Final = 4
"""Numbers of groups for each event before they are numbered anew."""


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
            np.arange(len(rows)),
            np.array([row["momento"] for row in rows], dtype=np.int64),
            np.array([row["importe_centavos"] or 0 for row in rows], dtype=np.int64),
            coded,
        )

    def _column(self, name: str, rows: Rows) -> Ints:
        numbers = self._numbers[name]
        try:
            found = [numbers[row[name]] for row in rows]
        except (KeyError, TypeError):
            # Values that were not seen before may be anything: the rows get them cleaned.
            for row in rows:
                row[name] = self._known(numbers, clean(row[name]))
            found = [numbers[row[name]] for row in rows]
        return np.array(found, dtype=np.int64)

    @staticmethod
    def _known(numbers: dict[Any, int], value: Any) -> Any:
        """Number a value, and return it or the one that it counts as."""
        if value not in numbers and len(numbers) >= MOST_VALUES:
            value = None
        numbers.setdefault(value, len(numbers))
        return value


@dataclass(frozen=True)
class Events:
    """Events in the order of their moments, epoch milliseconds; money in centavos.

    Attributes:
        rows: of these events and perhaps of others: what is taken of events shares their rows.
        places: where in `rows` each event is.
    """

    rows: Rows
    places: Ints
    moments: Ints
    amounts: Ints
    coded: Mapping[str, Ints]

    def __add__(self, later: "Events") -> "Events":
        """These and events that are later."""
        return Events(
            self.rows + later.rows,
            np.concatenate([self.places, later.places + len(self.rows)]),
            np.concatenate([self.moments, later.moments]),
            np.concatenate([self.amounts, later.amounts]),
            {name: np.concatenate([self.coded[name], later.coded[name]]) for name in CODED},
        )

    def between(self, start: int, end: int) -> "Events":
        """Those from a moment to before another."""
        first, last = np.searchsorted(self.moments, [start, end]).tolist()
        return self._taken(slice(first, last))

    def where(self, codes: Codes, values: Iterable[tuple[str, str]]) -> "Events":
        """Those that have these values in these columns."""
        found = self
        for column, value in values:
            found = found._taken(np.flatnonzero(found.coded[column] == codes.number(column, value)))
        return found

    def grouped(self, columns: Sequence[str], bucket: timedelta | None = None) -> Rows:
        """Rows of a GROUP BY: the columns, `eventos` and `importe`.

        With a `bucket` also by the moment, rounded down to it in UTC, as `momento` in ISO 8601.
        """
        keys: list[Ints] = [self.coded[name] for name in columns]
        milliseconds = round(bucket.total_seconds() * 1000) if bucket else 0
        if bucket:
            points = self.moments // milliseconds
            keys.append(points - points[:1])
        key, size = self._numbered(keys)
        counts = np.bincount(key, minlength=size)
        amounts = np.zeros(size, dtype=np.int64)
        np.add.at(amounts, key, self.amounts)
        # Of several places for one key the last that is written stays: the first of its events.
        firsts = np.zeros(size, dtype=np.int64)
        firsts[key[::-1]] = self.places[::-1]
        groups = np.flatnonzero(counts)
        found = []
        for first, count, amount in zip(
            firsts[groups].tolist(), counts[groups].tolist(), amounts[groups].tolist(), strict=True
        ):
            of = self.rows[first]
            row = {name: of[name] for name in columns}
            if bucket:
                moment = of["momento"] // milliseconds * milliseconds
                row["momento"] = datetime.fromtimestamp(moment / 1000, UTC).isoformat()
            row["eventos"], row["importe"] = count, amount
            found.append(row)
        return found

    def latest(self, count: int) -> Rows:
        """The last of them, the latest first."""
        return [self.rows[place] for place in self.places[: -count - 1 : -1].tolist()]

    def _numbered(self, keys: Sequence[Ints]) -> tuple[Ints, int]:
        """One number for each event's keys, from 0 to below the size that is given with them.

        Numbers that no event has are cheaper than a sort, until there are many times as many.
        """
        key, size = np.zeros(len(self.places), dtype=np.int64), 1
        for part in keys:
            width = int(part.max(initial=0)) + 1
            key, size = key * width + part, size * width
            if size > SPARSE * (len(key) + 1):
                numbers, key = np.unique(key, return_inverse=True)
                size = len(numbers)
        return key, size

    def _taken(self, places: "slice | Ints") -> "Events":
        return Events(
            self.rows,
            self.places[places],
            self.moments[places],
            self.amounts[places],
            {name: column[places] for name, column in self.coded.items()},
        )
