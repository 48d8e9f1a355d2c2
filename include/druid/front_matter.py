"""Read .sql files that begin with a header: YAML in comments, which describes the query.

The header is every line up to the first one that does not begin with ``--``, without that sign; the
rest is the SQL. A `msgspec.Struct` defines the keys of each kind of file.
"""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from include.sales.data_files import Problem

T = TypeVar("T", bound=msgspec.Struct)


class SqlFileError(ValueError):
    """A folder has invalid files; the message names each of them, with line and mistake."""


def read_folder(folder: Path, kind: type[T]) -> list[T]:
    """Read the ``.sql`` files of a folder into `kind`, in the order of their names.

    The fields ``name`` and ``sql`` of `kind` are the file's name and its SQL; the header's keys are
    the other fields.

    Raises:
        SqlFileError: a file is invalid, or there is none.
    """
    files = sorted(folder.glob("*.sql"))
    problems = [] if files else [Problem(str(folder), 1, "there is no .sql file")]
    good = []
    for file in files:
        found = _read(file, kind)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            good.append(found)
    if problems:
        raise SqlFileError("\n".join(map(str, problems)))
    return good


def _read(file: Path, kind: type[T]) -> T | Problem:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        return Problem(file.name, 1, f"the file is not UTF-8: {error}")
    size = next((n for n, line in enumerate(lines) if not line.startswith("--")), len(lines))
    header = [line.removeprefix("--").removeprefix(" ") for line in lines[:size]]
    sql = "\n".join(lines[size:]).strip()
    try:
        values = _Loader("\n".join(header)).get_single_data()
        own = {"name": file.stem, "sql": sql}
        if not isinstance(values, dict):
            return Problem(file.name, 1, "the file does not begin with '-- key: value'")
        if given := values.keys() & own.keys():
            return Problem(file.name, 1, f"the header has the key {min(given)}")
        # The loader gives every number as a text: without `strict`, msgspec converts it.
        return msgspec.convert(values | own, kind, strict=False)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return Problem(file.name, line, f"the header is not YAML: {error.problem}")
    except yaml.YAMLError as error:
        return Problem(file.name, 1, f"the header is not YAML: {error}")
    except msgspec.ValidationError as error:
        # The last name that msgspec quotes is the header's key, or begins the path to the mistake.
        key = ["", *re.findall(r"`(?:\$\.)?(\w+)", str(error))][-1]
        starts = (n for n, line in enumerate(header, 1) if line.startswith(f"{key}:"))
        return Problem(file.name, next(starts, 1), str(error))


class _Loader(yaml.BaseLoader):
    """A safe loader that leaves each value a text, such as ``-7d``, and refuses a repeated key."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: list[Any] = []
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"{key.value} is given twice", problem_mark=key.start_mark
                )
            seen.append(key.value)
        return super().construct_mapping(node, deep)
