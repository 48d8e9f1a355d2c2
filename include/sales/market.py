"""The simulated market: stores, products, payments and demand, read from the folder `data/`.

Each table is a CSV file, with the columns of its class in `tables.py` and its companions. All files
are checked together, and all mistakes are reported at once, each with its file and line.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, get_args

from include.sales import calendar_tables, incident_tables, lifecycle_tables, payment_tables, tables
from include.sales.data_files import Problem
from include.sales.market_rules import check
from include.sales.rules import Rules

DATA: Final = Path(__file__).parent / "data"


class MarketError(ValueError):
    """The data files have mistakes; `problems` lists all of them, ordered by file and line."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(set(problems))
        count = f"{len(self.problems)} mistake{'s' if len(self.problems) > 1 else ''}"
        super().__init__("\n  ".join((f"{count} in the market's data:", *map(str, self.problems))))


@dataclass(frozen=True)
class Market:
    """The tables of the data folder; each attribute holds the rows of the CSV file of that name."""

    provinces: tuple[tables.Province, ...]
    stores: tuple[tables.Store, ...]
    groups: tuple[tables.Group, ...]
    categories: tuple[tables.Category, ...]
    products: tuple[tables.Product, ...]
    platforms: tuple[tables.PlatformShare, ...]
    payments: tuple[tables.PaymentShare, ...]
    issuers: tuple[tables.IssuerShare, ...]
    instalments: tuple[tables.InstalmentShare, ...]
    instalment_programmes: tuple[tables.Programme, ...]
    outcomes: tuple[tables.OutcomeShare, ...]
    rejections: tuple[tables.RejectionShare, ...]
    decisions: tuple[lifecycle_tables.Decision, ...]
    returns: tuple[lifecycle_tables.ReturnShare, ...]
    discounts: tuple[tables.DiscountShare, ...]
    promotions: tuple[payment_tables.Promotion, ...]
    amount_bands: tuple[payment_tables.AmountBand, ...]
    payment_amounts: tuple[payment_tables.PaymentFactor, ...]
    instalment_amounts: tuple[payment_tables.InstalmentFactor, ...]
    rejection_factors: tuple[payment_tables.RejectionFactor, ...]
    seasons: tuple[calendar_tables.SeasonFactor, ...]
    schedules: tuple[calendar_tables.ScheduleFactor, ...]
    baskets: tuple[calendar_tables.BasketFactor, ...]
    hours: tuple[calendar_tables.HourWeight, ...]
    weekdays: tuple[calendar_tables.WeekdayFactor, ...]
    holidays: tuple[calendar_tables.HolidayFactor, ...]
    province_holidays: tuple[calendar_tables.ProvinceHoliday, ...]
    events: tuple[calendar_tables.DatedEffect, ...]
    recurring: tuple[calendar_tables.YearlyEffect, ...]
    incidents: tuple[incident_tables.IncidentKind, ...]

    @property
    def events_end(self) -> date:
        """Last day with a dated event; after it, only recurring effects change the curve."""
        return max(row.hasta for row in self.events)


def load_market(folder: Path = DATA) -> Market:
    """Read and check the data files of a folder.

    Raises `MarketError` with every mistake found.
    """
    row_types = {name: get_args(kind)[0] for name, kind in Market.__annotations__.items()}
    rules = Rules(folder, row_types)
    check(rules)
    if rules.problems:
        raise MarketError(rules.problems)
    return Market(**{name: tuple(rules.rows(name)) for name in row_types})
