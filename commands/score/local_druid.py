"""Druid's SQL on SQLite, so that the checks' own SQL judges simulated records without Druid.

SQLite knows filtered aggregates, window functions and whole-number division as Druid does. Druid's
functions on time are defined here; a moment is its epoch milliseconds. Two spellings differ: a unit
of time is a text, and the present is that of the simulation.
"""

import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import numpy as np

from include.druid.supervisor import TIMESTAMP
from include.sales.event import FIELDS
from include.sales.local_time import moment_of

_UNITS: Final = {"SECOND": 1_000, "MINUTE": 60_000}
_PERIODS: Final = {**{f"PT{n}M": n * 60_000 for n in (1, 5, 15)}, "PT1H": 3_600_000}
_COLUMNS: Final = ("__time", *(field.name for field in FIELDS if field.name != TIMESTAMP))


class _Quantile:
    """Exact quantile, where Druid has an approximate one."""

    def __init__(self) -> None:
        self._values: list[float] = []
        self._fraction = 0.5

    def step(self, value: float | None, fraction: float) -> None:
        self._fraction = fraction
        if value is not None:
            self._values.append(value)

    def finalize(self) -> float | None:
        return float(np.quantile(self._values, self._fraction)) if self._values else None


class LocalDruid:
    """The datasource `ventas`: the records of the table `registros` that were sent until `now`."""

    def __init__(self) -> None:
        self.now = 0
        """Present of the queries, in epoch milliseconds."""
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        self._database.row_factory = sqlite3.Row
        # Deterministic: SQLite calls a function of constants once for a query, not for each row.
        define = partial(self._database.create_function, deterministic=True)
        define("PRESENT", 0, lambda: self.now)
        define("TIMESTAMPADD", 3, lambda unit, count, ts: ts + count * _UNITS[unit])
        define("TIMESTAMP_TO_MILLIS", 1, lambda ts: ts)
        define("MILLIS_TO_TIMESTAMP", 1, lambda ts: ts)
        define("TIME_FLOOR", 2, lambda ts, period: ts - ts % _PERIODS[period])
        define("TIME_FORMAT", 2, lambda ts, _form: f"{moment_of(ts):%Y-%m-%dT%H:%M:%SZ}")
        define("MOD", 2, lambda number, by: number % by)
        define("MV_TO_STRING", 2, lambda value, _comma: value)
        self._database.create_aggregate("APPROX_QUANTILE_DS", 2, _Quantile)  # type: ignore[arg-type]

    def load(self, records: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
        """Replace the records by these: when each was sent, and its columns by name."""
        columns = ", ".join(_COLUMNS)
        for statement in (
            "DROP TABLE IF EXISTS registros",
            f"CREATE TABLE registros (enviado, {columns})",
            "CREATE TEMP VIEW IF NOT EXISTS ventas AS"
            " SELECT * FROM registros WHERE enviado <= PRESENT()",
        ):
            self._database.execute(statement)
        marks = ", ".join("?" * (len(_COLUMNS) + 1))
        self._database.executemany(
            f"INSERT INTO registros VALUES ({marks})",  # noqa: S608 - only marks
            ((sent, *(record.get(name) for name in _COLUMNS)) for sent, record in records),
        )

    def change(self, statement: str, **values: int) -> None:
        """Change the records as a fault does."""
        self._database.execute(statement, values)

    def revenue(self) -> int:
        """Return the amount of all approved sales."""
        [[total]] = self._database.execute(
            "SELECT SUM(importe_centavos) FROM registros WHERE estado = 'aprobada'"
        )
        return int(total)

    def sql(self, query: str, parameters: Sequence[Any] = (), **_: Any) -> list[dict[str, Any]]:
        """Answer as `DruidClient.sql` does."""
        query = re.sub(r"TIMESTAMPADD\((\w+)", r"TIMESTAMPADD('\1'", query)
        query = query.replace("CURRENT_TIMESTAMP", "PRESENT()")
        return [dict(row) for row in self._database.execute(query, parameters)]
