"""A publisher that counts the acknowledged events in Airflow's metrics."""

from collections.abc import Callable, Sequence
from typing import Any

from include.stream.ledger import LedgerEntry
from include.stream.publisher import SalePublisher
from ventas_airflow import metrics


class CountedPublisher(SalePublisher):
    """A `SalePublisher` that adds the events of each acknowledged transaction to a DAG's count."""

    def __init__(self, *arguments: Any, dag_id: str, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._dag_id = dag_id

    def commit_encoded(
        self,
        keys: Sequence[str],
        values: Sequence[bytes],
        entries: Sequence[LedgerEntry],
        *,
        queued: Callable[[], None] = lambda: None,
    ) -> None:
        """Publish the events in a transaction, and count them once Kafka acknowledges it."""
        before = self.progress.rows
        super().commit_encoded(keys, values, entries, queued=queued)
        metrics.acknowledged(self.progress.rows - before, self._dag_id)
