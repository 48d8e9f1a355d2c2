"""What the DAGs that sell have in common."""

from typing import Any, Final

from airflow.sdk import Param

TOPICS: Final[dict[str, dict[str, Any]]] = {
    "ventas": {"partitions": 2, "topic_config": {"retention.ms": "604800000"}},
    # The ledger is the ground truth of every run: it does not expire.
    "ventas.ledger": {"partitions": 2, "topic_config": {"retention.ms": "-1"}},
}

#: Null, and not an empty list, is what the form takes for a field that is left blank.
STORES: Final = Param(
    None,
    type=["null", "array"],
    items={"type": "string"},
    title="Sucursales",
    description="Identificadores de include/sales/data/stores.csv, uno por línea. Vacío: todas.",
)

#: Of a task that publishes: each try goes on where the last one ended, so a long one may well need
#: more of them than other tasks.
PUBLISHING_RETRIES: Final = 10
