"""Numbers and moments of a report as a language writes them; moments are in the stores' time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

from include.sales.local_time import UTC_OFFSET_HOURS, moment_of
from include.texts import text

#: Between a number and its sign, so that both stay on one line.
_SPACE: Final = "\N{NO-BREAK SPACE}"

#: Least pesos of each short form, with their divisor, decimals and sign.
_SHORT: Final = ((1e9, 1e6, 0, "M"), (1e6, 1e6, 1, "M"), (1e4, 1e3, 0, ""))


class Formats:
    """Formats of a language; they follow `static/lib/format.js`, which the live page uses."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._locale = Locale.parse(text("locale", language), sep="-")

    def count(self, value: float) -> str:
        return self.decimal(value, 0)

    def decimal(self, value: float, digits: int = 1) -> str:
        pattern = f"#,##0.{'0' * digits}" if digits else "#,##0"
        return str(format_decimal(value, format=pattern, locale=self._locale))

    def percent(self, share: float, digits: int = 1) -> str:
        return f"{self.decimal(share * 100, digits)}{_SPACE}%"

    def money(self, centavos: float) -> str:
        """Return whole pesos."""
        return f"${_SPACE}{self.count(centavos / 100)}"

    def short_money(self, centavos: float) -> str:
        """Return pesos, a large amount in thousands or millions."""
        pesos = centavos / 100
        for least, divisor, digits, sign in _SHORT:
            if abs(pesos) >= least:
                return f"${_SPACE}{self.decimal(pesos / divisor, digits)}{self._unit(sign)}"
        return self.money(centavos)

    def _unit(self, sign: str) -> str:
        return f"{_SPACE}{sign or text('page.shell.thousands', self._language)}"

    def axis_money(self, ticks: Sequence[float]) -> list[str]:
        """Return the labels of an axis that begins at 0, in the unit of its last tick."""
        known = ((divisor, sign) for least, divisor, _, sign in _SHORT if ticks[-1] >= 100 * least)
        divisor, sign = next(known, (1, ""))
        unit = self._unit(sign) if divisor > 1 else ""
        digits = 0 if all(tick % (100 * divisor) == 0 for tick in ticks) else 1
        amounts = [self.decimal(tick / 100 / divisor, digits) + unit for tick in ticks[1:]]
        return [f"${_SPACE}{amount}" for amount in ("0", *amounts)]

    def duration(self, minutes: float) -> str:
        if minutes < 60:
            return f"{self.count(minutes)}{_SPACE}min"
        return f"{self.count(minutes // 60)}{_SPACE}h"

    def hour(self, milliseconds: float) -> str:
        """Return a moment's local time, such as 21:00."""
        return f"{_local(milliseconds):%H:%M}"

    def date(self, milliseconds: float) -> str:
        """Return a moment's local day with its weekday, month and year."""
        return str(format_date(_local(milliseconds), "full", self._locale))

    def weekday(self, milliseconds: float) -> str:
        return str(format_date(_local(milliseconds), "EEEE", self._locale))


def _local(milliseconds: float) -> datetime:
    return moment_of(round(milliseconds)) + timedelta(hours=UTC_OFFSET_HOURS)
