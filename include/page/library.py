"""The library: named queries that people run with their own values, and the format of its files.

To add a query, add a file to ``sql/library/`` and run ``./ventas docs``. Its
header (`include.druid.front_matter`) has these keys; semicolons separate the two languages:

- ``title_es``, ``title_en``, ``description_es``, ``description_en``.
- ``parameter: name kind default; Spanish label; English label`` (optional, repeatable). The default
  depends on the kind:

  - ``text``: any text, or nothing;
  - ``number``: a whole number and its range, ``24 1..168``;
  - ``choice``: all choices, ``a|b|c``, of which the first is the default;
  - ``time``: ``now``, a time before now (``-90m``, ``-24h``, ``-7d``), or a local time
    (``2026-11-24T09:00``).

- ``column: name kind; Spanish title; English title`` for each column, in the order of the SQL. The
  kind says how the page shows it: ``text``, ``number`` (whole), ``decimal``, ``money`` (whole
  centavos), ``percent`` (0 to 100), ``time``, ``day``.
- ``chart`` (optional): ``bar x: y, y…`` or ``line x: y, y…``; without it there is only a table.

The SQL has the placeholders ``{datasource}`` and ``:name`` for the value of a parameter: a text, a
whole number, or, for a time, milliseconds since the epoch.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Final, Literal, cast, get_args

from include.druid.front_matter import Entry, SqlFile, read_folder, read_sql_file
from include.druid.queries import for_datasource
from include.page.sql_tokens import tokens
from include.sales.data_files import Problem
from include.sales.local_time import UTC_OFFSET_HOURS, epoch_ms
from include.texts import InputError, Texts

LIBRARY: Final = Path(__file__).with_name("sql") / "library"

ParameterKind = Literal["text", "number", "time", "choice"]
ColumnKind = Literal["text", "number", "decimal", "money", "percent", "time", "day"]
ChartKind = Literal["bar", "line"]

LONGEST_TEXT: Final = 200
"""Most characters of a value of kind ``text``."""

_TEXTS = ("title_es", "title_en", "description_es", "description_en")
_REPEATABLE = ("parameter", "column")
_KEYS = (*_TEXTS, *_REPEATABLE, "chart")

_LABELLED = re.compile(r"(\w+) (\w+)(?: ([^;]*?))?; *([^;]+?); *([^;]+)")
_CHART = re.compile(r"(\w+) (\w+): *(\w+(?:, *\w+)*)")
_NUMBER = re.compile(r"(-?\d{1,9}) (-?\d{1,9})\.\.(-?\d{1,9})")
_WHOLE = re.compile(r"-?\d{1,9}")
_AGO = re.compile(r"-(\d{1,5})([mhd])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_LOCAL = timezone(timedelta(hours=UTC_OFFSET_HOURS))


class LibraryError(ValueError):
    """A folder has invalid queries; the message lists every problem with file and line."""


class ValuesError(InputError):
    """Values are invalid for the query; the message names all of them."""


@dataclass(frozen=True)
class Parameter:
    """A value that a person may set; values and the default are texts, as in a form or a URL."""

    name: str
    kind: ParameterKind
    label: Texts
    default: str = ""
    choices: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int = 0

    def read(self, text: str, now: datetime) -> int | str:
        """Convert a text into the value for Druid.

        Raises:
            InputError: the text is not a valid value.
        """
        match self.kind:
            case "number":
                if not _WHOLE.fullmatch(text) or not self.minimum <= int(text) <= self.maximum:
                    raise InputError(
                        f"va un número entero de {self.minimum} a {self.maximum}",
                        f"a whole number from {self.minimum} to {self.maximum} goes here",
                    )
                return int(text)
            case "choice":
                if text not in self.choices:
                    choices = ", ".join(self.choices)
                    raise InputError(f"va uno de {choices}", f"one of {choices} goes here")
                return text
            case "time":
                return epoch_ms(_moment(text, now))
            case "text":
                if len(text) > LONGEST_TEXT:
                    raise InputError(
                        f"van {LONGEST_TEXT} caracteres como máximo",
                        f"at most {LONGEST_TEXT} characters go here",
                    )
                return text


@dataclass(frozen=True)
class Column:
    """How the page shows a column of the answer."""

    name: str
    kind: ColumnKind
    title: Texts


@dataclass(frozen=True)
class Chart:
    """Columns to draw, and the kind of chart."""

    kind: ChartKind
    x: str
    y: tuple[str, ...]


@dataclass(frozen=True)
class Query:
    """A query read from its file; the module's docstring explains the keys."""

    name: str
    title: Texts
    description: Texts
    parameters: tuple[Parameter, ...]
    columns: tuple[Column, ...]
    chart: Chart | None
    sql: str


def load_library(folder: Path = LIBRARY) -> list[Query]:
    """Read the ``.sql`` files of a folder, in the order of their names.

    Raises:
        LibraryError: a file is invalid, or there is none.
    """
    queries, problems = read_folder(folder, _parse)
    if problems:
        raise LibraryError("\n".join(str(problem) for problem in problems))
    return queries


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
        Texts(f"no hay un parámetro {name[:40]!r}", f"there is no parameter {name[:40]!r}")
        for name in values
        if name not in known
    ]
    read: dict[str, int | str] = {}
    for name, parameter in known.items():
        text = values.get(name, parameter.default)
        try:
            read[name] = parameter.read(text, now)
        except InputError as error:
            label, why = parameter.label, error.texts
            wrong.append(
                Texts(
                    f"{label.es}: {why.es}, no {text[:40]!r}",
                    f"{label.en}: {why.en}, not {text[:40]!r}",
                )
            )
    if wrong:
        raise ValuesError(*("; ".join(told) for told in zip(*map(astuple, wrong), strict=True)))
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
        raise InputError(
            "va un momento, como 2026-11-24T09:00, -24h, -7d o now",
            "a moment goes here, such as 2026-11-24T09:00, -24h, -7d or now",
        ) from None


def _parse(path: Path) -> Query | list[Problem]:
    file = read_sql_file(path)
    if isinstance(file, list):
        return file
    texts: dict[str, str] = {}
    parameters: list[Parameter] = []
    columns: list[Column] = []
    chart: Chart | None = None
    problems = [*file.problems]
    for entry in file.entries:
        try:
            if wrong := _wrong(entry, texts):
                problems.append(Problem(file.name, entry.line, wrong))
            elif entry.key == "parameter":
                parameters.append(_parameter(entry))
            elif entry.key == "column":
                columns.append(_column(entry))
            elif entry.key == "chart":
                chart = _chart(entry)
        except ValueError as error:
            problems.append(Problem(file.name, entry.line, str(error)))
        if entry.key not in _REPEATABLE:
            texts.setdefault(entry.key, entry.value)
    problems += [Problem(file.name, 1, f"{key} is missing") for key in _TEXTS if key not in texts]
    problems = problems or _disagreements(file, parameters, columns, chart)
    if problems:
        return problems
    return Query(
        name=path.stem,
        title=Texts(texts["title_es"], texts["title_en"]),
        description=Texts(texts["description_es"], texts["description_en"]),
        parameters=tuple(parameters),
        columns=tuple(columns),
        chart=chart,
        sql=file.sql,
    )


def _wrong(entry: Entry, texts: Mapping[str, str]) -> str:
    if entry.key not in _KEYS:
        return f"there is no key {entry.key!r}; there are {', '.join(_KEYS)}"
    if entry.key in texts:
        return f"{entry.key} is given twice"
    return "" if entry.value else f"{entry.key} is empty"


def _disagreements(
    file: SqlFile, parameters: Sequence[Parameter], columns: Sequence[Column], chart: Chart | None
) -> list[Problem]:
    """Return the contradictions between the header's entries and the SQL."""
    sql = list(tokens(file.sql))
    asked = {token.text[1:] for token in sql if token.kind == "name"}
    names = [parameter.name for parameter in parameters]
    titles = [column.name for column in columns]
    words = {token.text for token in sql if token.kind == "word"}
    wrong = [] if file.sql else ["there is no SQL"]
    wrong += [
        f"the SQL asks for :{name}, which is no parameter" for name in sorted(asked - {*names})
    ]
    wrong += [f"the SQL does not use the parameter {name}" for name in names if name not in asked]
    for listed in (names, titles):
        twice = sorted({name for name in listed if listed.count(name) > 1})
        wrong += [f"{name} is given twice" for name in twice]
    wrong += [] if columns else ["there is no column"]
    wrong += [f"the SQL has no column {name}" for name in titles if file.sql and name not in words]
    drawn = (chart.x, *chart.y) if chart else ()
    wrong += [f"the chart's {name} is no column" for name in drawn if name not in titles]
    return [Problem(file.name, file.first_line, text) for text in wrong]


def _labelled(entry: Entry, kinds: object, wish: str) -> tuple[str, str, str, Texts]:
    found = _LABELLED.fullmatch(entry.value)
    if not found:
        raise ValueError(f"{entry.value!r} is not '{wish}; Spanish; English'")
    if found[2] not in get_args(kinds):
        raise ValueError(f"the kind is {' or '.join(get_args(kinds))}, not {found[2]!r}")
    return found[1], found[2], found[3] or "", Texts(found[4], found[5])


def _parameter(entry: Entry) -> Parameter:
    name, kind, rest, label = _labelled(entry, ParameterKind, "name kind default")
    if not re.fullmatch("[a-z_]+", name):
        raise ValueError(f"a parameter's name has small letters and '_', unlike {name!r}")
    parameter = Parameter(name, cast(ParameterKind, kind), label, rest)
    if kind == "choice":
        choices = tuple(rest.split("|"))
        parameter = Parameter(name, "choice", label, choices[0], choices)
        if len(choices) < 2 or "" in choices:
            raise ValueError(f"{rest!r} is not 'a|b'")
    elif kind == "number":
        found = _NUMBER.fullmatch(rest)
        if not found:
            raise ValueError(f"{rest!r} is not 'default minimum..maximum'")
        bounds = int(found[2]), int(found[3])
        parameter = Parameter(name, "number", label, found[1], (), *bounds)
    try:
        parameter.read(parameter.default, datetime.now(UTC))
    except ValueError:
        raise ValueError(f"{parameter.default!r} is no default for {kind} {name}") from None
    return parameter


def _column(entry: Entry) -> Column:
    name, kind, rest, title = _labelled(entry, ColumnKind, "name kind")
    if rest:
        raise ValueError(f"a column has no {rest!r}")
    return Column(name, cast(ColumnKind, kind), title)


def _chart(entry: Entry) -> Chart:
    found = _CHART.fullmatch(entry.value)
    if not found or found[1] not in get_args(ChartKind):
        raise ValueError(f"{entry.value!r} is not 'bar x: y, y' or 'line x: y, y'")
    return Chart(cast(ChartKind, found[1]), found[2], tuple(re.split(r", *", found[3])))
