"""The file format of a validation check: SQL that returns one row, after a header with its bounds.

To add a check, add a file to ``sql/checks/``. Its header (`include.druid.front_matter`) has:

- ``severity``: ``error`` fails the validation, ``warning`` is only shown.
- ``bounds``: a list of ``{column, minimum, maximum}``; either limit may be left out.
- ``faults`` (optional): ``column: [kind, kind…]``. Raises the maximum of the column by the number
  of injected faults of these kinds (`include.sales.faults.KINDS`) that the ledger counts in the
  look-back. ``omitida`` is a sale that an incident prevented.
- ``without`` (optional): ``[kind, kind…]``; if the bounds do not hold and the look-back has such
  faults, the check is skipped: the injected faults themselves push the value out of its bounds.
- ``needs`` (optional): as ``bounds``; if these do not hold, the check is skipped.
- ``when`` (optional): ``window_open`` to run only while sales are expected; default ``always``.
- ``timeout`` (optional): whole seconds that the query may take; default 30.
- ``source`` (optional): where the row comes from if not from SQL, so the file has no SQL:
  ``supervisor`` for the supervisor's status report, ``offsets`` for the comparison of Druid's
  offsets with Kafka's (`include.druid.offsets`).

Title and description are texts, ``check.<file's name>.title`` and ``.description``.

The SQL has the placeholders ``{datasource}`` and ``{lookback_minutes}``. Columns without bounds are
shown as context. An empty answer counts as a row of nulls, and a null holds no bound.
"""

import math
import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from include.druid.queries import for_datasource
from include.sales.faults import KINDS
from include.sales.incidents import OMITTED
from include.texts import text

Severity = Literal["error", "warning"]
When = Literal["always", "window_open"]
Source = Literal["sql", "supervisor", "offsets"]

_LOOKBACK = "{lookback_minutes}"


class Bound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of a column's number; None means no limit on that side."""

    column: str
    minimum: float | None = None
    maximum: float | None = None

    def __post_init__(self) -> None:
        if self.minimum is None and self.maximum is None:
            raise ValueError(f"{self.column} has neither a minimum nor a maximum")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"{self.column} has a minimum above its maximum")

    def holds(self, value: object) -> bool:
        """Return whether the value is a number within the limits."""
        if not isinstance(value, int | float) or math.isnan(value):
            return False
        return (self.minimum is None or value >= self.minimum) and (
            self.maximum is None or value <= self.maximum
        )

    def __str__(self) -> str:
        if self.minimum == self.maximum:
            return number_text(self.minimum)
        limits = {"minimum": number_text(self.minimum), "maximum": number_text(self.maximum)}
        if self.minimum is None:
            return text("check_message.at_most", **limits)
        return text(f"check_message.{'at_least' if self.maximum is None else 'between'}", **limits)


class Check(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A check read from its file; the module's docstring explains the keys."""

    name: str
    severity: Severity
    bounds: Annotated[tuple[Bound, ...], Meta(min_length=1)]
    needs: tuple[Bound, ...] = ()
    when: When = "always"
    timeout: Annotated[int, Meta(ge=1, le=600)] = 30
    source: Source = "sql"
    sql: str = ""
    faults: dict[str, tuple[str, ...]] = {}
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        kinds = {*self.without, *(kind for kinds in self.faults.values() for kind in kinds)}
        bounded = {bound.column for bound in self.bounds if bound.maximum is not None}
        wrong = [f"there is no fault {kind!r}" for kind in sorted(kinds - {*KINDS, OMITTED})]
        wrong += [f"faults: {it} has no maximum" for it in self.faults if it not in bounded]
        if self.source != "sql" and self.sql:
            wrong.append(f"a check with source {self.source} has no SQL")
        if self.source == "sql":
            wrong += [] if self.sql else ["there is no SQL"]
            columns = [bound.column for bound in (*self.bounds, *self.needs)]
            words = {*re.findall(r"\w+", self.sql)}
            wrong += [f"the SQL has no column {it}" for it in columns if it not in words]
        if wrong:
            raise ValueError("; ".join(wrong))

    @property
    def title(self) -> str:
        return text(f"check.{self.name}.title")

    @property
    def description(self) -> str:
        """Sentence for people: the values that the check tests."""
        return text(f"check.{self.name}.description")

    def statement(self, datasource: str, lookback_minutes: int) -> tuple[str, list[int]]:
        """Return the SQL and its positional parameters, as `DruidClient.sql` takes them.

        Raises:
            ValueError: `datasource` is not a valid name.
        """
        sql = for_datasource(self.sql, datasource)
        values = [lookback_minutes] * sql.count(_LOOKBACK)
        return sql.replace(_LOOKBACK, "?"), values


def number_text(value: object) -> str:
    """Format a value for people, with at most two decimals."""
    if value is None:
        return text("check_message.no_value")
    if isinstance(value, float):
        digits = f"{value:.2f}".rstrip("0").rstrip(".")
        return digits.replace(".", text("check_message.decimal"))
    return str(value)
