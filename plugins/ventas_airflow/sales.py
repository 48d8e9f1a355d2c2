"""What the DAGs that sell have in common."""

from typing import Any, Final

from airflow.sdk import Param

_DAY_MS: Final = 86_400_000

#: Kafka deletes whole segments, once their last record is too old: so they are closed each day.
_DAILY: Final = {"segment.ms": str(_DAY_MS), "segment.bytes": "134217728"}

TOPICS: Final[dict[str, dict[str, Any]]] = {
    "ventas": {
        "partitions": 2,
        "topic_config": {"retention.ms": str(7 * _DAY_MS), **_DAILY},
    },
    # The ledger is the ground truth of every run: it outlives what Druid keeps of it, which is 400
    # days (include.druid.housekeeping).
    "ventas.ledger": {
        "partitions": 2,
        "topic_config": {"retention.ms": str(430 * _DAY_MS), **_DAILY},
    },
}

#: Null, and not an empty list, is what the form takes for a field that is left blank.
STORES: Final = Param(
    None,
    type=["null", "array"],
    items={"type": "string"},
    title="Sucursales",
    description="Identificadores de include/sales/data/stores.csv, uno por línea. Vacío: todas.",
)

#: Of a task that publishes, or watches the VM meanwhile: each try goes on where the last one ended,
#: so a long one may well need more of them than other tasks.
PUBLISHING_RETRIES: Final = 10

RESET_OFFSETS: Final = Param(
    False,
    type="boolean",
    title="Releer desde lo que Kafka tiene",
    description="Solo si abrir la ingesta falló porque Druid guarda posiciones que Kafka ya no "
    "tiene: un tópico recreado se lee entero, y lo borrado sin leer se da por perdido.",
)
