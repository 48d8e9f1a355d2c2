"""Columnar store of events, filtered and summed as Druid would, without another query."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from include.page.clean_values import clean
from include.page.measures import STATES, Measures, within_64_bits
from include.sales.local_time import HOUR_MS, UTC_OFFSET_HOURS

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

    def places(self, column: str, known: Mapping[Any, int], unknown: int) -> Ints:
        """Return the place in `known` of each value of a column, in the order of the numbers."""
        return np.array([known.get(value, unknown) for value in self._values[column]], np.int64)

    def all_values(self, column: str) -> Sequence[Any]:
        """Return the values of a column in the order of their numbers."""
        return self._values[column]

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
            np.array([row["descuento_centavos"] or 0 for row in rows], dtype=np.int64),
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
        discounts: centavos.
        coded: numbers of the values by column.
    """

    codes: Codes
    rows: Rows
    places: Ints
    moments: Ints
    amounts: Ints
    discounts: Ints
    coded: Mapping[str, Numbers]

    def between(self, start: int, end: int) -> "Events":
        """Return the events from `start` to before `end`, in epoch milliseconds."""
        first, last = np.searchsorted(self.moments, [start, end]).tolist()
        return self._taken(slice(first, last))

    def where(self, values: Sequence[tuple[str, str]]) -> "Events":
        """Return the events whose columns have these values: pairs of column and value."""
        return self._taken(self.chosen(values)) if values else self

    def chosen(self, values: Iterable[tuple[str, str]]) -> Ints:
        """Return the positions of the events whose columns have these values."""
        mask = np.ones(len(self.moments), dtype=bool)
        for column, value in values:
            mask &= self.coded[column] == self.codes.number(column, value)
        return np.flatnonzero(mask)

    def measures(
        self, columns: Sequence[str], bucket: timedelta | None = None
    ) -> dict[tuple[Any, ...], Measures]:
        """Return the measures of each group of values of the columns.

        With a `bucket`, group also by the start of a chart's point, in epoch milliseconds; it is
        the last value of the key. Points begin in local time.
        """
        keys: list[Ints | Numbers] = [self.coded[name] for name in columns]
        points, length, shift = self.moments, 1, UTC_OFFSET_HOURS * HOUR_MS
        if bucket:
            length = round(bucket.total_seconds() * 1000)
            points = (self.moments + shift) // length
            keys.append(points - points[:1])
        key, size = self._numbered(keys)
        states = self.codes.places("estado", STATES, len(STATES))[self.coded["estado"]]
        width = len(STATES) + 1
        counts = np.bincount(key * width + states, minlength=size * width).reshape(size, width)
        approved = np.flatnonzero(states == STATES["aprobada"])
        amounts = self._summed(approved, key, size)
        # Written in reverse order, so that each key keeps its first event.
        firsts = np.zeros(size, dtype=np.int64)
        firsts[key[::-1]] = np.arange(len(key))[::-1]
        groups = np.flatnonzero(counts.any(axis=1))
        firsts = firsts[groups]
        names = [self.codes.values(name, self.coded[name][firsts]) for name in columns]
        if bucket:
            names.append((points[firsts] * length - shift).tolist())
        rows = zip(
            zip(*names, strict=True), counts[groups].tolist(), amounts[groups].tolist(), strict=True
        )
        return {
            name: Measures._make((*count[: len(STATES)], within_64_bits(amount)))
            for name, count, amount in rows
        }

    def _summed(self, places: Ints, key: Ints, size: int) -> npt.NDArray[Any]:
        """Return the sum of the amounts at these places, for each key."""
        found = self.amounts[places]
        # Absurd amounts may add up to more than 64 bits, which only Python's numbers hold.
        most = max(int(found.max(initial=0)), -int(found.min(initial=0)))
        kind: type = np.int64 if most * len(found) < 2**63 else object
        sums: npt.NDArray[Any] = np.zeros(size, dtype=kind)
        np.add.at(sums, key[places], found.astype(kind))
        return sums

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
            self.discounts[places],
            {name: column[places] for name, column in self.coded.items()},
        )


def join(codes: Codes, parts: Sequence[Events]) -> Events:
    """Return the events of all parts, which are in order and have the same `codes`."""
    if len(parts) == 1:
        return parts[0]
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
        np.concatenate([part.discounts for part in parts]),
        {name: np.concatenate([part.coded[name] for part in parts]) for name in parts[0].coded},
    )
