"""Words and texts that a statement of free SQL may contain."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

_FUNCTIONS: Final = Path(__file__).with_name("allowed_functions.txt")
_RESERVED: Final = Path(__file__).with_name("reserved_words.txt")

UNITS: Final = ("SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
EXTRACTED: Final = (*UNITS, "DOW", "DOY", "ISODOW", "ISOYEAR", "EPOCH")
TYPES: Final = (
    *("BIGINT", "INTEGER", "DOUBLE", "FLOAT", "DECIMAL"),
    *("VARCHAR", "BOOLEAN", "TIMESTAMP", "DATE"),
)

CONSTANTS: Final = ("NULL", "TRUE", "FALSE", "UNKNOWN", "CURRENT_TIMESTAMP", "CURRENT_DATE")
COMPARISONS: Final = ("=", "<>", "!=", "<", "<=", ">", ">=")
PERIOD: Final = re.compile(r"'(?:P[1-9][0-9]{0,3}[DWMY]|PT[1-9][0-9]{0,3}[HMS])'")
MOMENT: Final = re.compile(r"'[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9:.]{5,12}Z?)?'")
FORMAT: Final = re.compile(r"'[^z]{0,30}'")
"""A format without "z": that letter prints a time zone's name, five times longer than a format."""
AMOUNT: Final = re.compile(r"'[0-9]{1,6}'")


@cache
def functions() -> Mapping[str, tuple[str, ...]]:
    """Return the allowed functions of the file, each with the kinds of its arguments."""
    named = [line.split() for line in _lines(_FUNCTIONS)]
    return {name: tuple(kinds) for name, *kinds in named}


@cache
def reserved() -> frozenset[str]:
    """Return the words that are no names unless they are quoted, in upper case."""
    return frozenset(_lines(_RESERVED))


def _lines(file: Path) -> list[str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]
