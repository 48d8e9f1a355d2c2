"""What the DAGs that sell have in common."""

from typing import Any, Final

from airflow.sdk import Param

TOPICS: Final[dict[str, dict[str, Any]]] = {
    "ventas": {"partitions": 2, "topic_config": {"retention.ms": "604800000"}},
    # The ledger is the ground truth of every run: it does not expire.
    "ventas.ledger": {"partitions": 2, "topic_config": {"retention.ms": "-1"}},
}

STORES: Final = Param(
    [],
    type="array",
    items={"type": "string"},
    title="Sucursales",
    description="Identificadores de include/sales/data/stores.csv, uno por línea. Vacío: todas.",
)
