"""Filters of the live page: a time range and, optionally, values such as a store or a product."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from include.sales.local_time import UTC_OFFSET_HOURS, epoch_ms
from include.texts import InputError

COLUMNS: Final[Mapping[str, str]] = {
    "provincia": "provincia",
    "sucursal": "sucursal",
    "categoria": "categoria",
    "producto": "producto",
    "pago": "tipo_pago",
    "emisor": "emisor",
    "plataforma": "plataforma",
}
"""Druid's column for the name of each filter in a URL."""

LONGEST_VALUE: Final = 200
"""Most characters of a filter's value; a product's name has 80 at most."""


@dataclass(frozen=True)
class Range:
    """A time range, without its end.

    Attributes:
        length: length of the whole range.
        bucket: length of one point of the charts.
        step: the end is rounded down to a multiple of it, so that viewers share an answer; those of
            the short ranges share a moment instead (`SharedMoment`).
        day_before: whether to compare with the same range a day earlier, too. For a day or more,
            that would be the previous range, or would overlap the current one.
    """

    length: timedelta
    bucket: timedelta
    step: timedelta
    day_before: bool


_MILLISECOND = timedelta(milliseconds=1)
_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)

RANGES: Final[Mapping[str, Range]] = {
    "15m": Range(15 * _MINUTE, _MINUTE, _MILLISECOND, True),
    "1h": Range(_HOUR, _MINUTE, _MILLISECOND, True),
    "6h": Range(6 * _HOUR, 5 * _MINUTE, 5 * _SECOND, True),
    "24h": Range(_DAY, 15 * _MINUTE, 15 * _SECOND, False),
    "7d": Range(7 * _DAY, _HOUR, _MINUTE, False),
    "30d": Range(30 * _DAY, _DAY, _MINUTE, False),
}
DEFAULT_RANGE: Final = "1h"


@dataclass(frozen=True)
class Interval:
    """Interval from `start` to before `end`, both with a time zone."""

    start: datetime
    end: datetime

    def shifted(self, by: timedelta) -> "Interval":
        return Interval(self.start + by, self.end + by)

    def to_the_minute(self) -> "Interval":
        return Interval(floor_local(self.start, _MINUTE), floor_local(self.end, _MINUTE))

    @property
    def parameters(self) -> list[int]:
        """Parameters for the two `MILLIS_TO_TIMESTAMP(?)` of a query: start and end."""
        return [epoch_ms(self.start), epoch_ms(self.end)]


@dataclass(frozen=True)
class Filters:
    """A range, its end (None for now), and the values of the filters that are set."""

    rango: str = DEFAULT_RANGE
    hasta: datetime | None = None
    values: tuple[tuple[str, str], ...] = ()

    @property
    def range(self) -> Range:
        return RANGES[self.rango]

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Druid's columns with the value that each must have."""
        return [(COLUMNS[name], value) for name, value in self.values]

    def interval(self, now: datetime) -> Interval:
        """Return the interval to show; a start inside a chart's point moves to the point's start.

        Points begin in local time, so a point of a day is the stores' day.
        """
        kind = self.range
        end = floor_local(self.hasta or now, kind.step)
        start = end - kind.length
        # Ranges with points below an hour keep their exact length: the chart drops its oldest
        # point when a new one begins.
        return Interval(floor_local(start, kind.bucket) if kind.bucket >= _HOUR else start, end)

    def where(self) -> tuple[str, list[str]]:
        """Return the conditions that follow the time in a query's WHERE, and their parameters.

        Column names come from this module; a viewer's text is only ever a parameter.
        """
        text = "".join(f" AND {column} = ?" for column, _ in self.columns)
        return text, [value for _, value in self.columns]


def parse_filters(parameters: Mapping[str, str]) -> Filters:
    """Read the parameters of a URL: `rango`, `hasta` and the names of `COLUMNS`.

    `hasta` is rounded down to the minute, so that Druid gets few different queries.

    Raises:
        InputError: a parameter is unknown or has an invalid value.
    """
    unknown = sorted(set(parameters) - {"rango", "hasta", *COLUMNS})
    if unknown:
        known = ", ".join(["rango", "hasta", *COLUMNS])
        raise InputError("page_refusal.filter.name", name=repr(unknown[0]), known=known)
    rango = parameters.get("rango") or DEFAULT_RANGE
    if rango not in RANGES:
        known = ", ".join(RANGES)
        raise InputError("page_refusal.filter.range", name=repr(rango), known=known)
    for name, value in parameters.items():
        if len(value) > LONGEST_VALUE:
            raise InputError("page_refusal.filter.long", name=name, most=LONGEST_VALUE)
    values = tuple((name, parameters[name]) for name in COLUMNS if parameters.get(name))
    return Filters(rango, _moment(parameters.get("hasta", "")), values)


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None and 2000 <= moment.year < 2200:
            return moment.astimezone(UTC).replace(second=0, microsecond=0)
    except ValueError:
        pass
    raise InputError("page_refusal.filter.until", value=repr(text))


def floor_local(moment: datetime, step: timedelta) -> datetime:
    """Round down to a multiple of `step`, counted from midnight in the stores' local time."""
    offset = timedelta(hours=UTC_OFFSET_HOURS)
    epoch = datetime(1970, 1, 1, tzinfo=UTC) - offset
    return epoch + (moment - epoch) // step * step
