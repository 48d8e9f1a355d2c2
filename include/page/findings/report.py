"""Report of a look at the sales, ready for JSON; the page turns its keys into sentences."""

from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

Kind = Literal["approval", "product", "store", "returns", "promotion", "volume"]
Severity = Literal["high", "medium", "info"]
Query = Literal["payments", "products", "stores", "categories", "platforms"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


@dataclass(frozen=True)
class Finding:
    """One unusual share.

    Attributes:
        kind: the kind of share that was judged.
        severity: how soon somebody should look at it.
        text: key of the page's sentence that describes the finding, within its kind.
        action: key of the page's sentence that says what to do, within its kind.
        subject: filters of the live page, name to value, that show the finding in the chart.
        numbers: `k` of `n` in the last `minutes` is the `share`; `usual` is the expected share, and
            99 of 100 usual windows have a share from `low` to `high`; the past `windows` had
            `base_k` of `base_n`; `p` is the chance that a usual window is as extreme. Money is in
            centavos, moments are epoch milliseconds.
        query: the query that the finding comes from, a key of `Report.queries`.
    """

    kind: Kind
    severity: Severity
    text: str
    action: str
    subject: dict[str, str]
    numbers: dict[str, float]
    query: Query


@dataclass(frozen=True)
class Missing:
    """A kind that was not judged, and why.

    Attributes:
        kind: the kind of share that was not judged.
        reason: ``hours``: only `have` of the `need` past hours have decided sales; ``kind``: no
            earlier day of the same kind (weekday, Saturday, Sunday) had sales at this time;
            ``calendar``: today is a holiday or has an event, and no earlier day had the same;
            ``pace``: the earlier days have only back-filled sales, and now a window sells;
            ``weekday``: no earlier day with the same weekday had any; ``error``: Druid refused one
            of its queries, or its rows could not be judged; the log has the error.
        have: past hours with decided sales, for ``hours``.
        need: past hours that are needed, for ``hours``.
    """

    kind: Kind
    reason: Literal["hours", "kind", "calendar", "pace", "weekday", "error"]
    have: int = 0
    need: int = 1


@dataclass(frozen=True)
class Asked:
    """A query whose rows were judged, with the filters as conditions.

    Looks that waited together sent one query that also grouped by the filters' columns.
    """

    sql: str
    parameters: list[Any]


@dataclass(frozen=True)
class Report:
    """Result of a look.

    Attributes:
        end: end of the last window, epoch milliseconds.
        sales: sales begun in the last hour; None if they could not be counted.
        tests: number of comparisons of each kind.
        level: highest chance that a look at usual sales finds anything.
        findings: the most severe first, and then the least likely (by `p`).
        missing: the kinds that were not judged.
        queries: by name, for the page to show.
    """

    end: int
    sales: int | None
    tests: dict[Kind, int]
    level: float
    findings: list[Finding]
    missing: list[Missing]
    queries: dict[Query, Asked] = field(default_factory=dict)
