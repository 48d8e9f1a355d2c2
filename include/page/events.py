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

MOST_VALUES: Final = 10_000
"""Most distinct values of a column; any further value counts as None, which means unknown."""

SPARSE: Final = 4
"""Renumber the groups once there are this many possible group numbers per event."""


class Codes:
    """A number, from 0, for each value that was seen in a column."""

    def __init__(self, columns: Iterable[str]) -> None:
        """Take the columns that events are filtered and grouped by."""
        self._lock = Lock()
        self._numbers: dict[str, dict[Any, int]] = {name: {} for name in columns}

    def number(self, column: str, value: Any) -> int:
        """Return the number of a value, or -1 if it was not seen."""
        return self._numbers[column].get(value, -1)

    def encode(self, rows: Rows) -> "Events":
        """Encode the rows of `live/events.sql`; new values are cleaned in the rows."""
        rows = sorted(rows, key=lambda row: int(row["moment"]))
        with self._lock:
            coded = {name: self._column(name, rows) for name in self._numbers}
        return Events(
            rows,
            np.arange(len(rows)),
            np.array([row["moment"] for row in rows], dtype=np.int64),
            np.array([row["importe_centavos"] or 0 for row in rows], dtype=np.int64),
            coded,
        )

    def _column(self, name: str, rows: Rows) -> Ints:
        numbers = self._numbers[name]
        try:
            found = [numbers[row[name]] for row in rows]
        except (KeyError, TypeError):
            # New values may have any type and size, so they are cleaned, in the rows too.
            for row in rows:
                row[name] = self._known(numbers, clean(row[name]))
            found = [numbers[row[name]] for row in rows]
        return np.array(found, dtype=np.int64)

    @staticmethod
    def _known(numbers: dict[Any, int], value: Any) -> Any:
        """Number a value and return it, or None if it counts as unknown."""
        if value not in numbers and len(numbers) >= MOST_VALUES:
            value = None
        numbers.setdefault(value, len(numbers))
        return value


@dataclass(frozen=True)
class Events:
    """Events in the order of their moments.

    Attributes:
        rows: rows of these events and perhaps of others, because subsets share the same list.
        places: index of each event's row in `rows`.
        moments: epoch milliseconds.
        amounts: centavos.
        coded: numbers of the values (`Codes`) by column.
    """

    rows: Rows
    places: Ints
    moments: Ints
    amounts: Ints
    coded: Mapping[str, Ints]

    def __add__(self, later: "Events") -> "Events":
        return Events(
            self.rows + later.rows,
            np.concatenate([self.places, later.places + len(self.rows)]),
            np.concatenate([self.moments, later.moments]),
            np.concatenate([self.amounts, later.amounts]),
            {name: np.concatenate([own, later.coded[name]]) for name, own in self.coded.items()},
        )

    def between(self, start: int, end: int) -> "Events":
        """Return the events from `start` to before `end`, in epoch milliseconds."""
        first, last = np.searchsorted(self.moments, [start, end]).tolist()
        return self._taken(slice(first, last))

    def where(self, codes: Codes, values: Iterable[tuple[str, str]]) -> "Events":
        found = self
        for column, value in values:
            found = found._taken(np.flatnonzero(found.coded[column] == codes.number(column, value)))
        return found

    def grouped(self, columns: Sequence[str], bucket: timedelta | None = None) -> Rows:
        """Return the rows of a GROUP BY: the columns, `events` and `amount`.

        With a `bucket`, group also by `moment`: the moment in ISO 8601, rounded down to a multiple
        of the bucket in UTC.
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
        # Written in reverse order, so that each key keeps the place of its first event.
        firsts = np.zeros(size, dtype=np.int64)
        firsts[key[::-1]] = self.places[::-1]
        groups = np.flatnonzero(counts)
        found = []
        for first, count, amount in zip(
            firsts[groups].tolist(), counts[groups].tolist(), amounts[groups].tolist(), strict=True
        ):
            event = self.rows[first]
            row = {name: event[name] for name in columns}
            if bucket:
                moment = event["moment"] // milliseconds * milliseconds
                row["moment"] = datetime.fromtimestamp(moment / 1000, UTC).isoformat()
            row["events"], row["amount"] = count, amount
            found.append(row)
        return found

    def latest(self, count: int) -> Rows:
        """Return the rows of the last `count` events, the latest first."""
        return [self.rows[place] for place in self.places[: -count - 1 : -1].tolist()]

    def _numbered(self, keys: Sequence[Ints]) -> tuple[Ints, int]:
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
            self.rows,
            self.places[places],
            self.moments[places],
            self.amounts[places],
            {name: column[places] for name, column in self.coded.items()},
        )
