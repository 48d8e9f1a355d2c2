"""What a line of the data files about hours, days and months holds; as `tables.py`, whose base it
shares."""

import datetime as dt
from typing import Annotated, Final, Literal, get_args

from msgspec import Meta

from include.sales.tables import Canal, Row, Slug, Text

Dia = Literal["laborable", "sabado", "domingo"]
"""Monday to Friday, Saturday, Sunday."""

DIAS: Final[tuple[Dia, ...]] = get_args(Dia)

Factor = Annotated[float, Meta(gt=0, le=1000)]
Hour = Annotated[int, Meta(ge=0, le=23)]
HourEnd = Annotated[int, Meta(ge=1, le=24)]
Month = Annotated[int, Meta(ge=1, le=12)]
MonthDay = Annotated[int, Meta(ge=1, le=31)]
Weekday = Annotated[int, Meta(ge=0, le=6)]
"""As `date.weekday`: 0 is Monday."""


class SeasonFactor(Row, frozen=True, kw_only=True):
    """seasons.csv: how much more a product of a season sells in a month; 1 where there is none."""

    temporada: Slug
    mes: Month
    factor: Factor


class ScheduleFactor(Row, frozen=True, kw_only=True):
    """schedules.csv: how much more a product of a schedule sells from an hour until another.

    1 where there is none; where two lines meet, their factors multiply.
    """

    horario: Slug
    dia: Dia
    desde: Hour
    hasta: HourEnd
    factor: Factor


class BasketFactor(Row, frozen=True, kw_only=True):
    """baskets.csv: how much likelier another unit is in a sale of a group, from an hour until
    another; 1 where there is none. The units of the whole year stay those of categories.csv.
    """

    grupo: Slug
    dia: Dia
    desde: Hour
    hasta: HourEnd
    factor: Factor


class HourWeight(Row, frozen=True, kw_only=True):
    """hours.csv: how a day's sales of a channel spread over its hours, in any unit."""

    canal: Canal
    dia: Dia
    hora: Hour
    weight: Annotated[float, Meta(gt=0, le=1_000_000)]


class WeekdayFactor(Row, frozen=True, kw_only=True):
    """weekdays.csv: a weekday's sales of a channel, relative to the others."""

    canal: Canal
    weekday: Weekday
    factor: Factor


class HolidayFactor(Row, frozen=True, kw_only=True):
    """holidays.csv: sales of a channel in a province on its public holiday, relative to none."""

    canal: Canal
    factor: Factor


class Effect(Row, frozen=True, kw_only=True):
    """Days on which a channel and group sell more or less; a blank one stands for all."""

    evento: Text
    canal: Canal | Literal[""] = ""
    grupo: str = ""
    factor: Factor

    def concerns(self, canal: str, grupo: str) -> bool:
        """Whether it is about the sales of a channel and group."""
        return self.canal in ("", canal) and self.grupo in ("", grupo)

    def on(self, day: dt.date) -> bool:
        """Whether it is on that day."""
        raise NotImplementedError


class DatedEffect(Effect, frozen=True, kw_only=True):
    """events.csv: what happens from a day until another, both included."""

    desde: dt.date
    hasta: dt.date

    def on(self, day: dt.date) -> bool:
        """Whether it is on that day."""
        return self.desde <= day <= self.hasta


class YearlyEffect(Effect, frozen=True, kw_only=True):
    """recurring.csv: what happens every year, or every month where `mes` is blank."""

    mes: Month | None = None
    desde: MonthDay
    hasta: MonthDay

    def on(self, day: dt.date) -> bool:
        """Whether it is on that day."""
        return self.mes in (None, day.month) and self.desde <= day.day <= self.hasta
