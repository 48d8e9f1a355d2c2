"""Add the provinces' own holidays of some years, by the `holidays` package, to the market's data.

`python -m include.sales.province_holidays 2036 2037` adds the lines that province_holidays.csv does
not have yet. The country's holidays need no line: the demand curve asks the package for them.
"""

import csv
import sys
from collections.abc import Iterable
from datetime import date
from importlib.metadata import version
from typing import Final

import holidays

from include.sales.market import DATA, load_market

_FILE: Final = DATA / "province_holidays.csv"
_PACKAGE: Final = f"holidays {version('holidays')}"


def main(years: Iterable[int]) -> None:
    """Add the lines of some years to the file."""
    market = load_market()
    known = {(row.province, row.fecha) for row in market.province_holidays}
    today = f"{date.today():%Y-%m}"
    with _FILE.open("a", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        for year in years:
            country = holidays.country_holidays("AR", years=year)
            for code in sorted(row.code for row in market.provinces):
                subdivision = code.removeprefix("AR-")
                its = holidays.country_holidays("AR", subdivision, year, language="es")
                for day in sorted(set(its) - set(country)):
                    if (code, day) not in known:
                        lines.writerow([code, day, its[day], _PACKAGE, today])


if __name__ == "__main__":
    main(map(int, sys.argv[1:]))
