"""Topics of the DAGs that publish sales."""

from datetime import timedelta
from typing import Any, Final

from include.names import LEDGER_RETENTION, LEDGER_TOPIC, SALES_RETENTION, TOPIC

_MS: Final = timedelta(milliseconds=1)

#: Kafka deletes only whole closed segments whose last record is too old: close one each day.
_DAILY: Final = {"segment.ms": str(timedelta(days=1) // _MS), "segment.bytes": "134217728"}

TOPICS: Final[dict[str, dict[str, Any]]] = {
    TOPIC: {
        "partitions": 2,
        "topic_config": {"retention.ms": str(SALES_RETENTION // _MS), **_DAILY},
    },
    LEDGER_TOPIC: {
        "partitions": 2,
        "topic_config": {"retention.ms": str(LEDGER_RETENTION // _MS), **_DAILY},
    },
}
