"""What a viewer of the live page looks at: a stretch of time, and sales of one kind."""

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
"""Druid's column for each filter's name in an address."""

LONGEST_VALUE: Final = 200
"""Characters of a filter's value: a product's name has 80 at most."""


@dataclass(frozen=True)
class Range:
    """A stretch of time up to a moment.

    Attributes:
        length: of the whole stretch.
        bucket: of a point of its charts.
        step: what its end is rounded down to. Viewers of one step share one answer.
        day_before: whether the same stretch a day before is another than the one before it.
    """

    length: timedelta
    bucket: timedelta
    step: timedelta
    day_before: bool


_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)

RANGES: Final[Mapping[str, Range]] = {
    "15m": Range(15 * _MINUTE, _MINUTE, _SECOND, True),
    "1h": Range(_HOUR, _MINUTE, _SECOND, True),
    "6h": Range(6 * _HOUR, 5 * _MINUTE, 5 * _SECOND, True),
    "24h": Range(_DAY, 15 * _MINUTE, 15 * _SECOND, False),
    "7d": Range(7 * _DAY, _HOUR, _MINUTE, False),
    "30d": Range(30 * _DAY, _DAY, _MINUTE, False),
}
DEFAULT_RANGE: Final = "1h"


@dataclass(frozen=True)
class Interval:
    """From `start` to before `end`, both with their time zone."""

    start: datetime
    end: datetime

    def shifted(self, by: timedelta) -> "Interval":
        """The same length, `by` later."""
        return Interval(self.start + by, self.end + by)

    @property
    def parameters(self) -> list[int]:
        """For the two `MILLIS_TO_TIMESTAMP(?)` of a query: start and end."""
        return [epoch_ms(self.start), epoch_ms(self.end)]


@dataclass(frozen=True)
class Filters:
    """A range, its end if that is not now, and the values of the filters that are set."""

    rango: str = DEFAULT_RANGE
    hasta: datetime | None = None
    values: tuple[tuple[str, str], ...] = ()

    @property
    def range(self) -> Range:
        """What the range's name stands for."""
        return RANGES[self.rango]

    @property
    def is_live(self) -> bool:
        """Whether it is a short stretch that ends now."""
        return self.hasta is None and self.range.length <= _HOUR

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Druid's columns that have to have a value, with it."""
        return [(COLUMNS[name], value) for name, value in self.values]

    def interval(self, now: datetime) -> Interval:
        """The stretch looked at; one that begins in the midst of a chart's point is widened to it.

        Points are cut in local time, so that a day's is the stores' day.
        """
        kind = self.range
        end = floor_local(self.hasta or now, kind.step)
        start = end - kind.length
        # A live chart of minutes drops its oldest point as a new one begins.
        return Interval(floor_local(start, kind.bucket) if kind.bucket >= _HOUR else start, end)

    def where(self) -> tuple[str, list[str]]:
        """What a query's WHERE goes on with after its time, and the parameters of that.

        The columns' names are this module's own; what a viewer wrote is a parameter only.
        """
        text = "".join(f" AND {column} = ?" for column, _ in self.columns)
        return text, [value for _, value in self.columns]


def parse_filters(parameters: Mapping[str, str]) -> Filters:
    """Read an address's parameters: `rango`, `hasta` and the names of `COLUMNS`.

    `hasta` is rounded down to the minute, so that few different looks are asked of Druid.

    Raises:
        InputError: a name that is no filter's, or a value that it cannot have.
    """
    unknown = sorted(set(parameters) - {"rango", "hasta", *COLUMNS})
    if unknown:
        known = ", ".join(["rango", "hasta", *COLUMNS])
        raise InputError(
            f"No hay un filtro {unknown[0]!r}; hay: {known}",
            f"There is no filter {unknown[0]!r}; there are: {known}",
        )
    rango = parameters.get("rango") or DEFAULT_RANGE
    if rango not in RANGES:
        known = ", ".join(RANGES)
        raise InputError(
            f"No hay un rango {rango!r}; hay: {known}",
            f"There is no range {rango!r}; there are: {known}",
        )
    for name, value in parameters.items():
        if len(value) > LONGEST_VALUE:
            raise InputError(
                f"El filtro {name} tiene más de {LONGEST_VALUE} caracteres",
                f"The filter {name} has more than {LONGEST_VALUE} characters",
            )
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
    raise InputError(
        f"hasta es un momento con su huso, como 2026-11-24T18:00:00-03:00, y no {text!r}",
        f"hasta is a moment with its offset, such as 2026-11-24T18:00:00-03:00, and not {text!r}",
    )


def floor_local(moment: datetime, step: timedelta) -> datetime:
    """Round down in local time, to where a day of `step`s begins at the stores' midnight."""
    offset = timedelta(hours=UTC_OFFSET_HOURS)
    epoch = datetime(1970, 1, 1, tzinfo=UTC) - offset
    return epoch + (moment - epoch) // step * step
