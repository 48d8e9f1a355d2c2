"""Counts of a score, and the data files with its cases."""

import csv
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Final, Literal

import msgspec

Part = Literal["business", "quiet", "why", "technical"]

Cases = Mapping[str, Mapping[str, str]]
"""Rows of a data file, by the kind in their first column."""

_FOLDER: Final = Path(__file__).parent


class Score(msgspec.Struct):
    """Results of a kind of incident or fault, or of quiet days."""

    part: Part
    kind: str
    judged: bool = True
    """False: no judge looks for this kind; it does not count in the recall."""
    runs: int = 0
    found: int = 0
    false: list[str] = []
    """Findings that name something else; of a quiet case, all findings; of an injected fault,
    checks that fail although the ledger announces the fault; of a question, the causes before the
    planted one."""
    minutes: list[float] = []
    """From the beginning until the first finding, of each run in which it was found."""
    most_false: int = 0
    """Most false findings of one run."""
    centavos: list[int] = []
    """Change of the revenue in each run."""

    @property
    def missed(self) -> int:
        return self.runs - self.found

    @property
    def median_minutes(self) -> float | None:
        return median(self.minutes) if self.minutes else None

    @property
    def median_centavos(self) -> int | None:
        return round(median(self.centavos)) if self.centavos else None


def is_judged(part: Part, case: Mapping[str, str]) -> bool:
    """Return whether the case names what has to be found, or the checks that have to find it."""
    column = {"business": "hallazgo", "why": "incidente", "technical": "chequeos"}.get(part)
    return bool(column and case[column])


def rows_of(file: str) -> dict[str, dict[str, str]]:
    """Return the rows of a data file by their first column."""
    with (_FOLDER / file).open(encoding="utf-8", newline="") as lines:
        return {next(iter(row.values())): row for row in csv.DictReader(lines)}
