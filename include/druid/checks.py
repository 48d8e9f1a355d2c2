"""Validation checks: load them, and judge the row that each one finds by the bounds of its file.

To add a check, add a file to ``sql/checks/`` in the format of `include.druid.check_file`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

import msgspec

from include.druid.check_file import Bound, Check, Severity, number_text
from include.druid.front_matter import read_folder
from include.druid.queries import SQL
from include.texts import text

CHECKS: Final = SQL / "checks"

#: Query context for exact and current numbers: by default Druid approximates and caches.
QUERY_CONTEXT: Final = {
    "useApproximateCountDistinct": False,
    "useApproximateTopN": False,
    "useCache": False,
    "populateCache": False,
}

Status = Literal["ok", "warning", "error", "skipped"]


@dataclass(frozen=True)
class CheckResult:
    """Result of a check; the message is for people and has the numbers."""

    name: str
    title: str
    severity: Severity
    status: Status
    numbers: dict[str, Any]
    message: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def load_checks(folder: Path = CHECKS) -> list[Check]:
    """Read the ``.sql`` files of a folder, in the order of their names.

    Raises:
        SqlFileError: a file is invalid, or there is none.
    """
    return read_folder(folder, Check)


def evaluate(
    check: Check, row: Mapping[str, Any] | None, faults: Mapping[str, int] | None = None
) -> CheckResult:
    """Judge a row by the check's bounds, widened by the injected `faults` (counts by kind)."""
    numbers = dict(row or {})
    faults = faults or {}
    if lacking := broken(check.needs, numbers):
        reason = text("check_message.too_little", lacking=_bounds_text(numbers, lacking, "needed"))
        return skip(check, reason, numbers)
    bounds = [_widened(bound, check, faults) for bound in check.bounds]
    violated = broken(bounds, numbers)
    if violated and (disturbing := [kind for kind in check.without if faults.get(kind)]):
        counts = ", ".join(f"{kind} = {faults[kind]}" for kind in disturbing)
        return skip(check, text("check_message.faults", counts=counts), numbers)
    if violated:
        return _result(check, check.severity, _bounds_text(numbers, violated, "broken"), numbers)
    # Most counts are 0, as they should be: the message leaves them out.
    nonzero = {name: value for name, value in numbers.items() if value != 0} or numbers
    message = ", ".join(f"{name} = {number_text(value)}" for name, value in nonzero.items())
    return _result(check, "ok", message, numbers)


def broken(bounds: Iterable[Bound], numbers: Mapping[str, Any]) -> list[Bound]:
    """Return the bounds that a row's numbers do not hold."""
    return [bound for bound in bounds if not bound.holds(numbers.get(bound.column))]


def skip(check: Check, reason: str, numbers: Mapping[str, Any] | None = None) -> CheckResult:
    """Return the result of a check that cannot be judged, for example because data is missing."""
    return _result(check, "skipped", reason, numbers)


def fail(check: Check, reason: str) -> CheckResult:
    """Return the result of a check that could not run: an error, whatever the check's severity."""
    return _result(check, "error", reason)


def totals(results: Iterable[CheckResult]) -> dict[Status, int]:
    statuses = [result.status for result in results]
    return {status: statuses.count(status) for status in get_args(Status)}


def table(results: Sequence[CheckResult]) -> str:
    """Format the results as a table for a log, the worst first."""
    marks = {"error": "✗", "warning": "!", "ok": "✓", "skipped": "-"}
    names = {status: text(f"check_message.status.{status}") for status in marks}
    wide = max(map(len, names.values()))
    width = max((len(result.title) for result in results), default=0)
    worst_first = sorted(results, key=lambda result: list(marks).index(result.status))
    return "\n".join(
        f"{marks[it.status]} {names[it.status]:<{wide}}  {it.title:<{width}}  {it.message}"
        for it in worst_first
    )


def _result(
    check: Check, status: Status, message: str, numbers: Mapping[str, Any] | None = None
) -> CheckResult:
    return CheckResult(
        check.name, check.title, check.severity, status, dict(numbers or {}), message
    )


def _widened(bound: Bound, check: Check, faults: Mapping[str, int]) -> Bound:
    allowed = sum(faults.get(kind, 0) for kind in check.faults.get(bound.column, ()))
    if not allowed or bound.maximum is None:
        return bound
    return msgspec.structs.replace(bound, maximum=bound.maximum + allowed)


def _bounds_text(numbers: Mapping[str, Any], bounds: Iterable[Bound], key: str) -> str:
    told = ((f"{it.column} = {number_text(numbers.get(it.column))}", it) for it in bounds)
    return "; ".join(text(f"check_message.{key}", number=number, bound=it) for number, it in told)
