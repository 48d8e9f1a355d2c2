"""A simulated Druid with given events, which records its queries."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from threading import Lock
from typing import Any

import msgspec

from commands.score.local_druid import LocalDruid
from include.sales.event import Venta
from include.sales.local_time import epoch_ms


class SoldEvents(LocalDruid):
    def __init__(self, events: Iterable[Venta]) -> None:
        super().__init__()
        self._one_at_a_time = Lock()
        self.asked: list[tuple[str, Sequence[Any]]] = []
        self.load(
            (
                0,
                {
                    **msgspec.structs.asdict(event),
                    "__time": epoch_ms(datetime.fromisoformat(event.ts)),
                },
            )
            for event in events
        )

    def sql(
        self, query: str, parameters: Sequence[Any] = (), **options: Any
    ) -> list[dict[str, Any]]:
        self.asked.append((query, parameters))
        with self._one_at_a_time:
            return super().sql(query, parameters, **options)
