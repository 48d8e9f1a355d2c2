"""Looks at sales, and what their reports tell."""

from datetime import datetime, timedelta
from typing import Any

from commands.score.sales import Events
from include.page.findings.judge import judge
from include.page.findings.report import Finding, Report
from include.page.findings.rows import query_columns
from tests.support.findings import NOW

HOUR = timedelta(hours=1)


def looked(events: Events, now: datetime = NOW) -> Report:
    return judge(query_columns(events, now), now)


def told(report: Report) -> list[tuple[str, str, dict[str, str]]]:
    return [(found.kind, found.text, found.subject) for found in report.findings]


def only(report: Report) -> Finding:
    assert len(report.findings) == 1, told(report)
    return report.findings[0]


def add(columns: dict[str, list[Any]], row: dict[str, Any]) -> None:
    """Add a row to the columns; its other values are 0."""
    for name, column in columns.items():
        column.append(row.get(name, 0))
