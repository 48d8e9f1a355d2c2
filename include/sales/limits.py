"""Limits of what can be asked of the domain; without NumPy, so that DAG files may import them."""

from collections.abc import Mapping
from typing import Final

MAX_SEED: Final = 2**63 - 1
"""The largest integer that every reader of the events can hold, such as Druid's long."""

MAX_PERCENT: Final = 50
"""The highest rate of each kind of injected faults."""

MOST_DAYS: Final = 366
"""The most days that one back-fill fills, and that a window begins before its run."""

DAY_SECONDS: Final = 86_400
"""The most seconds that stand for one day of the time until a return: a real day."""

RATE_OF_FIELD: Final[Mapping[str, str]] = {
    "duplicates_pct": "duplicado",
    "late_pct": "tardio",
    "out_of_order_pct": "desordenado",
    "malformed_pct": "malformado",
    "bursts_pct": "rafaga",
    "silences_pct": "silencio",
}
"""The rate in `FaultRates` that each field of a window's form sets."""


def check_seed(seed: int) -> None:
    """Raise `ValueError` for a seed that is not in 0 … 2⁶³−1."""
    if not 0 <= seed <= MAX_SEED:
        raise ValueError(f"the seed must be from 0 to {MAX_SEED}, not {seed}")
