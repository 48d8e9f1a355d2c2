"""Topics and form fields of the DAGs that publish sales."""

from typing import Any, Final

from airflow.sdk import Param

_DAY_MS: Final = 86_400_000

#: Kafka deletes only whole closed segments whose last record is too old: close one each day.
_DAILY: Final = {"segment.ms": str(_DAY_MS), "segment.bytes": "134217728"}

TOPICS: Final[dict[str, dict[str, Any]]] = {
    "ventas": {
        "partitions": 2,
        "topic_config": {"retention.ms": str(7 * _DAY_MS), **_DAILY},
    },
    # The ledger is the ground truth of every run, so Kafka keeps it for longer than Druid keeps
    # the sales, which is 400 days (include.druid.housekeeping).
    "ventas.ledger": {
        "partitions": 2,
        "topic_config": {"retention.ms": str(430 * _DAY_MS), **_DAILY},
    },
}

#: The default is null, because the form sends null, and not an empty list, for a blank field.
STORES: Final = Param(
    None,
    type=["null", "array"],
    items={"type": "string"},
    title="Sucursales",
    description="Identificadores de include/sales/data/stores.csv, uno por línea. Vacío: todas.",
)

#: Retries of a task that publishes, or that watches the VM meanwhile. Each try goes on where the
#: last one ended, so a long task may well need more retries than other tasks.
PUBLISHING_RETRIES: Final = 10

RESET_OFFSETS: Final = Param(
    False,
    type="boolean",
    title="Releer desde lo que Kafka tiene",
    description="Solo si abrir la ingesta falló porque Druid guarda posiciones que Kafka ya no "
    "tiene: un tópico recreado se lee entero, y lo borrado sin leer se da por perdido.",
)
