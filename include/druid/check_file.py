"""The file format of a validation check: SQL that returns one row, after a header with its bounds.

To add a check, add a file to ``sql/checks/``. Its header (`include.druid.front_matter`) has:

- ``title``, ``description``: Spanish, for people.
- ``severity``: ``error`` fails the validation, ``warning`` is only shown.
- ``bounds``: ``column, column…: min..max``; either end may be left out; repeatable.
- ``faults`` (optional): ``column, column…: kind, kind…``; repeatable. Raises the maximum of these
  columns by the number of injected faults of these kinds (`include.sales.faults.KINDS`) that the
  ledger counts in the look-back.
- ``without`` (optional): ``kind, kind…``; if the bounds do not hold and the look-back has such
  faults, the check is skipped: the injected faults themselves push the value out of its bounds.
- ``needs`` (optional): as ``bounds``; if these do not hold, the check is skipped.
- ``when`` (optional): ``window_open`` to run only while sales are expected; default ``always``.
- ``timeout`` (optional): whole seconds that the query may take; default 30.
- ``source`` (optional): where the row comes from if not from SQL, so the file has no SQL:
  ``supervisor`` for the supervisor's status report, ``offsets`` for the comparison of Druid's
  offsets with Kafka's (`include.druid.offsets`).

The SQL has the placeholders ``{datasource}`` and ``%(lookback_minutes)s``, and doubles any other
``%``. Columns without bounds are shown as context. An empty answer counts as a row of nulls, and a
null holds no bound.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple, cast, get_args

from include.druid.front_matter import Entry, read_sql_file
from include.druid.queries import for_datasource
from include.sales.data_files import Problem
from include.sales.faults import KINDS

Severity = Literal["error", "warning"]
When = Literal["always", "window_open"]
Source = Literal["sql", "supervisor", "offsets"]

_REQUIRED: Final = ("title", "description", "severity", "bounds")
_OPTIONAL: Final = {
    "faults": "",
    "without": "",
    "needs": "",
    "when": "always",
    "timeout": "30",
    "source": "sql",
}
_CHOICES: Final = {"severity": Severity, "when": When, "source": Source}
_LIMITS: Final = ("bounds", "needs")
_REPEATABLE: Final = (*_LIMITS, "faults")

_BOUNDS = re.compile(r"(\w+(?:, *\w+)*): *(-?\d+(?:\.\d+)?)?\.\.(-?\d+(?:\.\d+)?)?")
_FAULTS = re.compile(r"(\w+(?:, *\w+)*): *(\w+(?:, *\w+)*)")
_LOOKBACK = "%(lookback_minutes)s"
# pydruid would read any other single % as a parameter without a value.
_PERCENT = re.compile(r"(?<!%)%(?!%|\(lookback_minutes\)s)")


@dataclass(frozen=True)
class Bound:
    """Limits of a column's number; None means no limit on that side."""

    column: str
    minimum: float | None
    maximum: float | None

    def holds(self, value: object) -> bool:
        """Return whether the value is a number within the limits."""
        if not isinstance(value, int | float) or math.isnan(value):
            return False
        return (self.minimum is None or value >= self.minimum) and (
            self.maximum is None or value <= self.maximum
        )

    def __str__(self) -> str:
        if self.minimum is None:
            return f"como máximo {number_text(self.maximum)}"
        if self.maximum is None:
            return f"al menos {number_text(self.minimum)}"
        if self.minimum == self.maximum:
            return number_text(self.minimum)
        return f"entre {number_text(self.minimum)} y {number_text(self.maximum)}"


class Allowance(NamedTuple):
    """Kinds of injected faults that may raise a column's number."""

    column: str
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Check:
    """A check read from its file; the module's docstring explains the keys."""

    name: str
    title: str
    description: str
    severity: Severity
    bounds: tuple[Bound, ...]
    needs: tuple[Bound, ...]
    when: When
    timeout: int
    source: Source
    sql: str
    faults: tuple[Allowance, ...] = ()
    without: tuple[str, ...] = ()

    def query(self, datasource: str) -> str:
        """Return the SQL for a datasource, still with the parameter ``lookback_minutes``.

        Raises:
            ValueError: `datasource` is not a valid name.
        """
        return for_datasource(self.sql, datasource)

    def statement(self, datasource: str, lookback_minutes: int) -> tuple[str, list[int]]:
        """Return the SQL and its positional parameters, as `DruidClient.sql` takes them.

        Raises:
            ValueError: `datasource` is not a valid name.
        """
        parts = self.query(datasource).split(_LOOKBACK)
        text = "?".join(part.replace("%%", "%") for part in parts)
        return text, [lookback_minutes] * (len(parts) - 1)


def number_text(value: object) -> str:
    """Format a value in Spanish, with at most two decimals."""
    if value is None:
        return "sin valor"
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".").replace(".", ",")
    return str(value)


def parse_check(file: Path) -> Check | list[Problem]:
    """Read a check from a file, or return all problems of the file."""
    read = read_sql_file(file)
    if isinstance(read, list):
        return read
    values, limits, allowances, problems = _values(read.name, read.entries)
    problems = read.problems + problems
    problems += [
        Problem(read.name, number, "a % that is not %(lookback_minutes)s is to be doubled")
        for number, line in enumerate(read.lines, read.first_line)
        if _PERCENT.search(line)
    ]
    sql = read.sql
    if values["source"] == "sql":
        if not sql:
            problems.append(Problem(read.name, max(read.first_line - 1, 1), "there is no SQL"))
        problems += [
            Problem(read.name, read.first_line, f"the SQL has no column {bound.column}")
            for bound in (*limits["bounds"], *limits["needs"])
            if sql and not re.search(rf"\b{bound.column}\b", sql)
        ]
    elif sql:
        problems.append(
            Problem(read.name, read.first_line, f"source: {values['source']} has no SQL")
        )
    if problems:
        return problems
    return Check(
        name=file.stem,
        title=values["title"],
        description=values["description"],
        severity=cast(Severity, values["severity"]),
        bounds=tuple(limits["bounds"]),
        needs=tuple(limits["needs"]),
        when=cast(When, values["when"]),
        timeout=int(values["timeout"]),
        source=cast(Source, values["source"]),
        sql=sql,
        faults=tuple(allowances),
        without=_split(values["without"]),
    )


def _values(
    file: str, entries: list[Entry]
) -> tuple[dict[str, str], dict[str, list[Bound]], list[Allowance], list[Problem]]:
    values: dict[str, str] = {}
    limits: dict[str, list[Bound]] = {key: [] for key in _LIMITS}
    allowances: list[Allowance] = []
    problems = []
    for line, key, value in entries:
        wrong = _wrong(key, value)
        if key in values and key not in _REPEATABLE:
            wrong = f"{key} is given twice"
        elif key == "faults" and not wrong:
            allowed = _read_faults(value)
            if isinstance(allowed, str):
                wrong = allowed
            else:
                allowances += allowed
        elif key in _LIMITS and not wrong:
            read = _read_bounds(value)
            if isinstance(read, str):
                wrong = read
            else:
                limits[key] += read
        if wrong:
            problems.append(Problem(file, line, wrong))
        values.setdefault(key, value)
    problems += [Problem(file, 1, f"{key} is missing") for key in _REQUIRED if key not in values]
    bounded = {bound.column for bound in limits["bounds"] if bound.maximum is not None}
    problems += [
        Problem(file, line, f"faults: there is no maximum of {allowance.column}")
        for line in [entry.line for entry in entries if entry.key == "faults"][:1]
        for allowance in allowances
        if allowance.column not in bounded
    ]
    return {**_OPTIONAL, **values}, limits, allowances, problems


def _wrong(key: str, value: str) -> str:
    if key not in _REQUIRED and key not in _OPTIONAL:
        return f"there is no key {key!r}; there are {', '.join((*_REQUIRED, *_OPTIONAL))}"
    if not value:
        return f"{key} is empty"
    if key in _CHOICES and value not in get_args(_CHOICES[key]):
        return f"{key} is {' or '.join(get_args(_CHOICES[key]))}, not {value!r}"
    if key == "timeout" and not (value.isdecimal() and len(value) < 4 and 1 <= int(value) <= 600):
        return f"timeout is whole seconds from 1 to 600, not {value!r}"
    if key == "without":
        return _unknown(_split(value))
    return ""


def _read_faults(text: str) -> list[Allowance] | str:
    found = _FAULTS.fullmatch(text)
    if not found:
        return f"{text!r} is not 'column, column: kind, kind'"
    kinds = _split(found[2])
    return _unknown(kinds) or [Allowance(column, kinds) for column in _split(found[1])]


def _unknown(kinds: tuple[str, ...]) -> str:
    unknown = ", ".join(repr(kind) for kind in kinds if kind not in KINDS)
    return f"there is no fault {unknown}; there are {', '.join(KINDS)}" if unknown else ""


def _split(text: str) -> tuple[str, ...]:
    return tuple(re.split(r", *", text)) if text else ()


def _read_bounds(text: str) -> list[Bound] | str:
    found = _BOUNDS.fullmatch(text)
    if not found or not (found[2] or found[3]):
        return f"{text!r} is not 'column, column: min..max'"
    minimum, maximum = (float(end) if end else None for end in (found[2], found[3]))
    if minimum is not None and maximum is not None and minimum > maximum:
        return f"{text!r} has a minimum above its maximum"
    return [Bound(column, minimum, maximum) for column in _split(found[1])]
