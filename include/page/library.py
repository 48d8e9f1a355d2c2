"""The library: named queries that people run with their own values, and the format of its files.

To add a query, add a file to ``sql/library/`` and run ``./ventas docs``. Its
header (`include.druid.front_matter`) has these keys:

- ``parameters`` (optional): a list of ``{name, kind, default}``. The kind says what a person
  may give, as the default too:

  - ``text``: any text, or nothing, which is also its default;
  - ``number``: a whole number from ``minimum`` to ``maximum``, two more keys;
  - ``choice``: one of the key ``choices``, ``[a, b, c]``;
  - ``time``: ``now``, a time before now (``-90m``, ``-24h``, ``-7d``), or a local time
    (``2026-11-24T09:00``).

- ``columns``: a list of ``{name, kind}``, in the order of the SQL. The kind says how the
  page shows the column: ``text``, ``number`` (whole), ``decimal``, ``money`` (whole centavos),
  ``percent`` (0 to 100), ``time``, ``day``.
- ``chart`` (optional): ``{kind: bar, x: column, y: [column, column…]}``, or the kind ``line``;
  without it there is only a table.

The SQL has the placeholders ``{datasource}`` and ``:name`` for the value of a parameter: a text, a
whole number, or, for a time, milliseconds since the epoch.

The texts of a query are in ``texts/*.json`` under ``page.library.query.<file's name>``: ``title``
and ``description``. The label of a parameter and the title of a column are texts of all queries,
``page.library.parameter.<name>`` and ``page.library.column.<name>``, unless the query has its own
under ``parameter`` or ``column``.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from include.druid.front_matter import read_folder
from include.druid.queries import for_datasource
from include.page.sql_tokens import tokens
from include.sales.local_time import UTC_OFFSET_HOURS, epoch_ms
from include.texts import DEFAULT, InputError, TextKey, has

LIBRARY: Final = Path(__file__).with_name("sql") / "library"

ParameterKind = Literal["text", "number", "time", "choice"]
ColumnKind = Literal["text", "number", "decimal", "money", "percent", "time", "day"]
ChartKind = Literal["bar", "line"]

LONGEST_TEXT: Final = 200
"""Most characters of a value of kind ``text``."""

_WHOLE = re.compile(r"-?\d{1,9}")
_AGO = re.compile(r"-(\d{1,5})([mhd])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_LOCAL = timezone(timedelta(hours=UTC_OFFSET_HOURS))


class ValuesError(InputError):
    """Values are invalid for the query; the message names all of them."""

    def __init__(self, wrong: Sequence[InputError]) -> None:
        self._wrong = wrong
        ValueError.__init__(self, self.text(DEFAULT))

    def text(self, language: str) -> str:
        return "; ".join(error.text(language) for error in self._wrong)


class Parameter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value that a person may set; values and the default are texts, as in a form or a URL."""

    name: Annotated[str, Meta(pattern="^[a-z_]+$")]
    kind: ParameterKind
    default: str = ""
    choices: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int = 0

    def __post_init__(self) -> None:
        try:
            self.read(self.default, datetime.now(UTC))
        except InputError:
            message = f"{self.default!r} is no default for {self.kind} {self.name}"
            raise ValueError(message) from None

    def read(self, text: str, now: datetime) -> int | str:
        """Convert a text into the value for Druid.

        Raises:
            InputError: the text is not a valid value.
        """
        match self.kind:
            case "number":
                if not _WHOLE.fullmatch(text) or not self.minimum <= int(text) <= self.maximum:
                    raise InputError(
                        "page_refusal.value.number", minimum=self.minimum, maximum=self.maximum
                    )
                return int(text)
            case "choice":
                if text not in self.choices:
                    choices = ", ".join(self.choices)
                    raise InputError("page_refusal.value.choice", choices=choices)
                return text
            case "time":
                return epoch_ms(_moment(text, now))
            case "text":
                if len(text) > LONGEST_TEXT:
                    raise InputError("page_refusal.value.text", most=LONGEST_TEXT)
                return text


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the page shows a column of the answer."""

    name: str
    kind: ColumnKind


class Chart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Columns to draw, and the kind of chart."""

    kind: ChartKind
    x: str
    y: tuple[str, ...]


class Query(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A query read from its file; the module's docstring explains the keys."""

    name: str
    parameters: tuple[Parameter, ...] = ()
    columns: Annotated[tuple[Column, ...], Meta(min_length=1)]
    chart: Chart | None = None
    sql: str

    def __post_init__(self) -> None:
        sql = list(tokens(self.sql))
        asked = {token.text[1:] for token in sql if token.kind == "name"}
        words = {token.text for token in sql if token.kind == "word"}
        names = [parameter.name for parameter in self.parameters]
        columns = [column.name for column in self.columns]
        drawn = (self.chart.x, *self.chart.y) if self.chart else ()
        unknown = sorted(asked - {*names})
        wrong = [] if self.sql else ["there is no SQL"]
        wrong += [f"the SQL asks for :{it}, which is no parameter" for it in unknown]
        wrong += [f"the SQL does not use the parameter {it}" for it in names if it not in asked]
        wrong += [f"the SQL has no column {it}" for it in columns if it not in words]
        wrong += [f"the chart's {it} is no column" for it in drawn if it not in columns]
        for listed in (names, columns):
            twice = sorted({it for it in listed if listed.count(it) > 1})
            wrong += [f"{it} is given twice" for it in twice]
        if wrong:
            raise ValueError("; ".join(wrong))

    def text_key(self, part: str) -> str:
        """Return the key of a text such as "title" or "column.ventas"."""
        own = f"page.library.query.{self.name}.{part}"
        return own if has(own) else f"page.library.{part}"


def load_library(folder: Path = LIBRARY) -> list[Query]:
    """Read the ``.sql`` files of a folder, in the order of their names.

    Raises:
        SqlFileError: a file is invalid, or there is none.
    """
    return read_folder(folder, Query)


def bind(
    query: Query, values: Mapping[str, str], *, datasource: str, now: datetime
) -> tuple[str, list[int | str]]:
    """Return the SQL with a ``?`` for each value, and the values in the same order.

    Parameters that are not in `values` get their defaults. Relative times count from `now`.

    Raises:
        ValuesError: a value is invalid, or its name is not a parameter.
        ValueError: `datasource` is not a valid name.
    """
    known = {parameter.name: parameter for parameter in query.parameters}
    wrong = [
        InputError("page_refusal.value.unknown", name=repr(name[:40]))
        for name in values
        if name not in known
    ]
    read: dict[str, int | str] = {}
    for name, parameter in known.items():
        text = values.get(name, parameter.default)
        try:
            read[name] = parameter.read(text, now)
        except InputError as error:
            label = TextKey(query.text_key(f"parameter.{name}"))
            invalid = {"label": label, "why": error, "value": repr(text[:40])}
            wrong.append(InputError("page_refusal.value.invalid", **invalid))
    if wrong:
        raise ValuesError(wrong)
    bound: list[int | str] = []
    pieces = []
    for token in tokens(query.sql):
        if token.kind == "name":
            bound.append(read[token.text[1:]])
        pieces.append("?" if token.kind == "name" else token.text)
    return for_datasource("".join(pieces), datasource), bound


def _moment(text: str, now: datetime) -> datetime:
    if text == "now":
        return now
    try:
        if found := _AGO.fullmatch(text):
            return now - int(found[1]) * _UNITS[found[2]]
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=_LOCAL)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InputError("page_refusal.value.moment") from None
