"""The numbers of a day's report, «Cierre del día», as they are stored: money is whole centavos."""

from typing import Final, NamedTuple

import msgspec

from include.page.findings.report import Kind, Severity
from include.page.measures import Measures

DAYS_BEFORE: Final = (0, 1, 7)
"""Days before the report's day of each field of `Compared`."""


class Compared(NamedTuple):
    """The same measures of three days, each from midnight to the same time of day."""

    today: Measures = Measures()
    yesterday: Measures = Measures()
    week_before: Measures = Measures()


class Hour(NamedTuple):
    """Measures of a local hour, from 0 to 23."""

    hour: int
    compared: Compared


class Named(NamedTuple):
    """Measures of a payment type, card, product or number of instalments; "" is unknown."""

    name: str
    measures: Measures
    of: str = ""
    """Payment type of a card or wallet; category of a product."""


class Store(msgspec.Struct, frozen=True):
    """A store's part of the day; `products` are those with the most revenue."""

    name: str
    total: Compared
    hours: list[Hour]
    payments: list[Named]
    products: list[Named]


class Returns(NamedTuple):
    """Refunds and chargebacks of the day in a category."""

    category: str
    refunds: int
    refunded_centavos: int
    chargebacks: int
    charged_back_centavos: int


class Noticed(msgspec.Struct, frozen=True):
    """A finding (`include.page.findings.report.Finding`) with the looks of the day that had it.

    Attributes:
        first: moment of the first look, epoch milliseconds.
        last: moment of the last look.
        at: moment of the look that the numbers are of, which is the most significant one.
    """

    kind: Kind
    severity: Severity
    text: str
    action: str
    subject: dict[str, str]
    numbers: dict[str, float]
    first: int
    last: int
    at: int


class Quality(msgspec.Struct, frozen=True):
    """How far the run's sales are proved to be in Druid.

    Attributes:
        run: the run of the window.
        reconciled: whether the reconciliation found Kafka and Druid equal.
        committed: events that Kafka acknowledged, with the extra rows of injected faults; None if
            the run was not reconciled.
        foreign: records that no run of the ledger sent; None if they were not searched.
        faults: injected faults of the run by kind, as in the ledger.
    """

    run: str
    reconciled: bool
    committed: int | None = None
    foreign: int | None = None
    faults: dict[str, int] = {}


class DayReport(msgspec.Struct, frozen=True):
    """Everything that a day's report shows.

    Attributes:
        start: local midnight at which the day begins, epoch milliseconds.
        end: moment up to which the day is reported.
        noticed: what was unusual, the most severe first.
        unjudged: kinds of findings that no look could judge, for example on the first day.
    """

    start: int
    end: int
    total: Compared
    hours: list[Hour]
    stores: list[Store]
    payments: list[Named]
    issuers: list[Named]
    instalments: list[Named]
    products: list[Named]
    returns: list[Returns]
    noticed: list[Noticed]
    unjudged: list[Kind]
    quality: Quality


def encode(report: DayReport) -> bytes:
    return msgspec.json.format(msgspec.json.encode(report), indent=1)


def decode(data: bytes) -> DayReport:
    """Read a stored report; raises `msgspec.DecodeError` for anything else."""
    return msgspec.json.decode(data, type=DayReport)
