"""A Druid for unit tests: SQLite, which runs the simpler of the page's queries on given events."""

import re
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from include.sales.event import FIELDS, Venta
from include.sales.local_time import epoch_ms


class SqliteDruid:
    """Client with the method `sql` of `DruidClient`; the datasource is `ventas`."""

    def __init__(self, events: Iterable[Venta]) -> None:
        self.asked: list[tuple[str, Sequence[Any]]] = []
        self._lock = threading.Lock()
        self._base = sqlite3.connect(":memory:", check_same_thread=False)
        self._base.row_factory = sqlite3.Row
        names = ["__time", *(field.name for field in FIELDS)]
        self._base.execute(f"CREATE TABLE ventas ({', '.join(names)})")
        self._base.executemany(
            f"INSERT INTO ventas VALUES ({', '.join('?' * len(names))})",  # noqa: S608
            (
                (epoch_ms(datetime.fromisoformat(event.ts)), *msgspec.structs.astuple(event))
                for event in events
            ),
        )

    def sql(self, text: str, parameters: Sequence[Any] = (), **_: Any) -> list[dict[str, Any]]:
        self.asked.append((text, parameters))
        plain = re.sub(r"TIMESTAMP_TO_MILLIS\((\w+)\)|MILLIS_TO_TIMESTAMP\((\?)\)", r"\1\2", text)
        plain = re.sub(r"MOD\((.*?), (\d+)\)", r"(\1) % \2", plain)
        with self._lock:
            return [dict(row) for row in self._base.execute(plain, parameters)]
