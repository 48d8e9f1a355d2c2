"""Columnar store of events, filtered and summed as Druid would, without another query."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from include.page.clean_values import clean

Rows = list[dict[str, Any]]
Ints = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int16]

MOST_VALUES: Final = 10_000
"""Most distinct values of a column; any further value counts as None, which means unknown.

The number of a value fits into 16 bits."""

SPARSE: Final = 4
"""Renumber the groups once there are this many possible group numbers per event."""


class Codes:
    """A number, from 0, for each value that was seen in a column."""

    def __init__(self, columns: Iterable[str]) -> None:
        """Take the columns that events are filtered and grouped by."""
        self._lock = Lock()
        self._numbers: dict[str, dict[Any, int]] = {name: {} for name in columns}
        self._values: dict[str, list[Any]] = {name: [] for name in self._numbers}

    def number(self, column: str, value: Any) -> int:
        """Return the number of a value, or -1 if it was not seen."""
        return self._numbers[column].get(value, -1)

    def values(self, column: str, numbers: Numbers) -> list[Any]:
        """Return the values that have these numbers."""
        values = self._values[column]
        return [values[number] for number in numbers.tolist()]

    def encode(self, rows: Rows, *, listed: bool = True) -> "Events":
        """Encode the rows of `overview/events.sql`; new values are cleaned in the rows.

        `listed` tells whether to keep the rows, from which the latest events are listed.
        """
        rows = sorted(rows, key=lambda row: int(row["moment"]))
        with self._lock:
            coded = {name: self._column(name, rows) for name in self._numbers}
        return Events(
            self,
            rows if listed else [],
            np.arange(len(rows)) if listed else np.full(len(rows), -1),
            np.array([row["moment"] for row in rows], dtype=np.int64),
            np.array([row["importe_centavos"] or 0 for row in rows], dtype=np.int64),
            coded,
        )

    def _column(self, name: str, rows: Rows) -> Numbers:
        numbers = self._numbers[name]
        try:
            found = [numbers[row[name]] for row in rows]
        except (KeyError, TypeError):
            # New values may have any type and size, so they are cleaned, in the rows too.
            for row in rows:
                row[name] = self._known(name, clean(row[name]))
            found = [numbers[row[name]] for row in rows]
        return np.array(found, dtype=np.int16)

    def _known(self, column: str, value: Any) -> Any:
        """Number a value and return it, or None if it counts as unknown."""
        numbers = self._numbers[column]
        if value not in numbers and len(numbers) >= MOST_VALUES:
            value = None
        if value not in numbers:
            self._values[column].append(value)
            numbers[value] = len(numbers)
        return value


@dataclass(frozen=True)
class Events:
    """Events in the order of their moments.

    Attributes:
        codes: the values by the numbers in `coded`.
        rows: rows of these events and perhaps of others, because subsets share the same list.
        places: index of each event's row in `rows`, -1 if its row was not kept.
        moments: epoch milliseconds.
        amounts: centavos.
        coded: numbers of the values by column.
    """

    codes: Codes
    rows: Rows
    places: Ints
    moments: Ints
    amounts: Ints
    coded: Mapping[str, Numbers]

    def between(self, start: int, end: int) -> "Events":
        """Return the events from `start` to before `end`, in epoch milliseconds."""
        first, last = np.searchsorted(self.moments, [start, end]).tolist()
        return self._taken(slice(first, last))

    def where(self, values: Iterable[tuple[str, str]]) -> "Events":
        """Return the events whose columns have these values: pairs of column and value."""
        found = self
        for column, value in values:
            number = self.codes.number(column, value)
            found = found._taken(np.flatnonzero(found.coded[column] == number))
        return found

    def grouped(self, columns: Sequence[str], bucket: timedelta | None = None) -> Rows:
        """Return the rows of a GROUP BY: the columns, `events` and `amount`.

        With a `bucket`, group also by `moment`: the moment in ISO 8601, rounded down to a multiple
        of the bucket in UTC.
        """
        keys: list[Ints | Numbers] = [self.coded[name] for name in columns]
        milliseconds = round(bucket.total_seconds() * 1000) if bucket else 0
        if bucket:
            points = self.moments // milliseconds
            keys.append(points - points[:1])
        key, size = self._numbered(keys)
        counts = np.bincount(key, minlength=size)
        # Absurd amounts may add up to more than 64 bits, which only Python's numbers hold.
        most = max(int(self.amounts.max(initial=0)), -int(self.amounts.min(initial=0)))
        kind: type = np.int64 if most * len(key) < 2**63 else object
        amounts: npt.NDArray[Any] = np.zeros(size, dtype=kind)
        np.add.at(amounts, key, self.amounts.astype(kind))
        # Written in reverse order, so that each key keeps its first event.
        firsts = np.zeros(size, dtype=np.int64)
        firsts[key[::-1]] = np.arange(len(key))[::-1]
        groups = np.flatnonzero(counts)
        firsts = firsts[groups]
        found = {name: self.codes.values(name, self.coded[name][firsts]) for name in columns}
        if bucket:
            points = self.moments[firsts] // milliseconds * milliseconds
            found["moment"] = [
                datetime.fromtimestamp(point / 1000, UTC).isoformat() for point in points.tolist()
            ]
        found |= {"events": counts[groups].tolist(), "amount": amounts[groups].tolist()}
        return [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]

    def latest(self, count: int) -> Rows | None:
        """Return the rows of the last `count` events, the latest first.

        Return None if one of these rows was not kept.
        """
        places = self.places[: -count - 1 : -1].tolist()
        return None if -1 in places else [self.rows[place] for place in places]

    def _numbered(self, keys: Sequence[Ints | Numbers]) -> tuple[Ints, int]:
        """Combine each event's keys into one number below the returned size.

        Unused numbers cost less than a sort, until there are `SPARSE` times as many as events.
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
            self.codes,
            self.rows,
            self.places[places],
            self.moments[places],
            self.amounts[places],
            {name: column[places] for name, column in self.coded.items()},
        )


def join(codes: Codes, parts: Sequence[Events]) -> Events:
    """Return the events of all parts, which are in order and have the same `codes`."""
    parts = [codes.encode([]), *parts]
    rows: Rows = []
    places = []
    for part in parts:
        places.append(np.where(part.places < 0, -1, part.places + len(rows)))
        rows += part.rows
    return Events(
        codes,
        rows,
        np.concatenate(places),
        np.concatenate([part.moments for part in parts]),
        np.concatenate([part.amounts for part in parts]),
        {name: np.concatenate([part.coded[name] for part in parts]) for name in parts[0].coded},
    )
