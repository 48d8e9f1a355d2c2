"""Read a data file into typed rows, and report every wrong cell at once."""

import csv
import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec

from include.sales.tables import Row

RowT = TypeVar("RowT", bound=Row)


_LONGEST = 300
"""Number of characters of a problem that are shown: a cell may have any length."""
_fields: Final = cache(msgspec.structs.fields)
"""Fields of a row type. Cached, because finding them takes longer than reading a line."""


class Problem(NamedTuple):
    """A mistake in a data file: where it is, and what is wrong."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        text = self.text if len(self.text) <= _LONGEST else f"{self.text[:_LONGEST]}…"
        return f"{self.file}:{self.line}: {text}"


class Line(NamedTuple, Generic[RowT]):
    """A row and its line number in the file, from 1."""

    number: int
    row: RowT


def read_table(path: Path, row_type: type[RowT]) -> tuple[list[Line[RowT]], list[Problem]]:
    """Read a UTF-8 CSV whose header names the fields of `row_type`.

    Returns the lines that could be read and the problems of the others. A blank cell takes the
    field's default.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return [], [Problem(path.name, 1, f"the file is missing from {path.parent}")]
    except OSError as error:
        return [], [Problem(path.name, 1, f"the file cannot be read: {error}")]
    except UnicodeDecodeError as error:
        return [], [Problem(path.name, 1, f"the file is not UTF-8: {error}")]
    # StringIO counts lines as an editor does; `splitlines` would also break them at some
    # characters within a text.
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    lines: list[Line[RowT]] = []
    problems: list[Problem] = []
    try:
        header_problems = _check_header(path.name, reader.fieldnames or (), row_type)
        if header_problems:
            return [], header_problems
        for cells in reader:
            row = _parse(cells, row_type)
            if isinstance(row, list):
                problems += [Problem(path.name, reader.line_num, text) for text in row]
            else:
                lines.append(Line(reader.line_num, row))
    except csv.Error as error:
        line = max(reader.line_num, 1)  # 0 if the header itself could not be read
        problems.append(Problem(path.name, line, f"not readable as CSV: {error}"))
    if not lines and not problems:
        problems.append(Problem(path.name, 1, "the file has only a header"))
    return lines, problems


def _check_header(file: str, columns: Sequence[str], row_type: type[Row]) -> list[Problem]:
    expected = row_type.__struct_fields__
    return [
        *(Problem(file, 1, f"column {c!r} is missing") for c in expected if c not in columns),
        *(Problem(file, 1, f"column {c!r} is unknown") for c in columns if c not in expected),
        *(Problem(file, 1, f"column {c!r} is repeated") for c in expected if columns.count(c) > 1),
    ]


def _parse(cells: dict[str, str | None], row_type: type[RowT]) -> RowT | list[str]:
    # DictReader puts cells without a column under the key None, and None into missing cells.
    if None in cells or None in cells.values():
        return ["the line has more or fewer cells than the header: quote texts that have commas"]
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for field in _fields(row_type):
        cell = cells[field.name] or ""
        if cell == "" and not field.required:
            continue
        if "\n" in cell or "\r" in cell:
            wrong.append(f"{field.name} is {cell!r}: a cell must not have line breaks")
            continue
        try:
            values[field.name] = msgspec.convert(cell, field.type, strict=False)
        except msgspec.ValidationError as error:
            wrong.append(f"{field.name} is {cell!r}: {error}")
    return wrong or row_type(**values)
