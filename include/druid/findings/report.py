"""What a look at the sales found, ready for JSON: the words for it are the page's."""

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["approval", "product", "store", "promotion", "returns"]
Severity = Literal["high", "medium", "info"]
Query = Literal["payments", "products", "stores", "categories"]


@dataclass(frozen=True)
class Finding:
    """Something unusual.

    Attributes:
        kind: what was judged.
        severity: how soon somebody should look.
        text: which sentence says it, of the kind: a key of the page's texts.
        action: which sentence says what to do: a key of the page's texts.
        subject: values by the names of the live page's filters, what the chart is to show.
        numbers: `k` of `n` were seen in the last `minutes`; `share` is what that is; `usual` is the
            share expected and `low` … `high` the band of shares in which 99 of 100 windows are;
            `windows` of the past had `base_k` of `base_n`; `p` is the chance of a window as
            extreme, on usual days. Money is in centavos, moments in epoch milliseconds.
        query: whose rows it was made of, a key of `Report.queries`.
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
    """A kind that cannot be judged yet, and why.

    Attributes:
        reason: ``hours``: of `need` hours of the past with decisions `have` are there; ``kind``: on
            no earlier day of the same kind (weekday, Saturday, Sunday) were there sales at this
            time; ``weekday``: on none of the same weekday were there any; ``error``: Druid refused
            a query of it, or its rows could not be judged, as the log says.
    """

    kind: Kind
    reason: Literal["hours", "kind", "weekday", "error"]
    have: int = 0
    need: int = 1


@dataclass(frozen=True)
class Asked:
    """A query as it was asked."""

    sql: str
    parameters: list[Any]


@dataclass(frozen=True)
class Report:
    """A look.

    Attributes:
        end: the moment looked at, epoch milliseconds.
        sales: begun in the last hour; None if they could not be counted.
        tests: how many comparisons were made of each kind.
        level: chance that a look at usual sales finds anything.
        findings: the most severe and surest first.
        missing: the kinds that were not judged.
        queries: by name, to be shown.
    """

    end: int
    sales: int | None
    tests: dict[Kind, int]
    level: float
    findings: list[Finding]
    missing: list[Missing]
    queries: dict[Query, Asked] = field(default_factory=dict)
