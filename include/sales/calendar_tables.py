"""Row types of the data files about hours, days and months, as in `tables.py`."""

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
"""A weekday as in `date.weekday`: 0 is Monday."""


class SeasonFactor(Row, frozen=True, kw_only=True):
    """seasons.csv: factor of a seasonal product's sales in a month; 1 for months without a line."""

    temporada: Slug
    mes: Month
    factor: Factor


class ScheduleFactor(Row, frozen=True, kw_only=True):
    """schedules.csv: factor of the sales of a schedule's products, from one hour until another.

    It is 1 for hours without a line; where lines overlap, their factors multiply.
    """

    horario: Slug
    dia: Dia
    desde: Hour
    hasta: HourEnd
    factor: Factor


class BasketFactor(Row, frozen=True, kw_only=True):
    """baskets.csv: factor of the odds of one more unit in a group's sale, at some hours.

    It is 1 for hours without a line. Over the whole year, the units are still as categories.csv
    says.
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
    """holidays.csv: a channel's sales in a province on a public holiday, relative to no holiday."""

    canal: Canal
    factor: Factor


class ProvinceHoliday(Row, frozen=True, kw_only=True):
    """province_holidays.csv: a public holiday of one province, not of the whole country."""

    province: Text
    """Code of provinces.csv."""
    fecha: dt.date
    feriado: Text


class Effect(Row, frozen=True, kw_only=True):
    """Days on which a channel and group sell more or less; a blank means all of them."""

    evento: Text
    canal: Canal | Literal[""] = ""
    grupo: str = ""
    factor: Factor

    def concerns(self, canal: str, grupo: str) -> bool:
        """Return whether the line changes the sales of a channel and group."""
        return self.canal in ("", canal) and self.grupo in ("", grupo)

    def on(self, day: dt.date) -> bool:
        raise NotImplementedError


class DatedEffect(Effect, frozen=True, kw_only=True):
    """events.csv: an effect from one day until another, both included."""

    desde: dt.date
    hasta: dt.date

    def on(self, day: dt.date) -> bool:
        return self.desde <= day <= self.hasta


class YearlyEffect(Effect, frozen=True, kw_only=True):
    """recurring.csv: an effect on some days of every year, or of every month if `mes` is blank."""

    mes: Month | None = None
    desde: MonthDay
    hasta: MonthDay

    def on(self, day: dt.date) -> bool:
        return self.mes in (None, day.month) and self.desde <= day.day <= self.hasta
