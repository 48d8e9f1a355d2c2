"""Names and constants that several packages share: each is written here, and nowhere else.

`docker-compose.yaml` and the Terraform module repeat the connections' names. CONTRIBUTING.md says
what follows from a change.
"""

from datetime import timedelta
from typing import Final

TOPIC: Final = "ventas"
"""Kafka topic of the sales."""

LEDGER_TOPIC: Final = f"{TOPIC}.ledger"
"""Kafka topic of the ledger."""

DATASOURCE: Final = "ventas"
"""Druid datasource of the sales, and id of the supervisor that fills it."""

READER_GROUP: Final = "ventas.reader"
"""Consumer group of the project's own readers, which Kafka's client requires; none joins it."""

SALES_RETENTION: Final = timedelta(days=7)
"""How long Kafka keeps the sales."""

DRUID_RETENTION: Final = timedelta(days=400)
"""How long Druid keeps a day of sales.

Long enough for the same month of the year before, and for every day that a back-fill can fill."""

LEDGER_RETENTION: Final = timedelta(days=430)
"""How long Kafka keeps the ledger, the ground truth of every run: longer than Druid keeps sales."""

MINIMUM_GAP: Final = 1.0
MAXIMUM_GAP: Final = 2.0
"""Default of the shortest and the longest gap between two sales in mode `cadence`, in seconds."""

CLOCK_SKEW: Final = timedelta(minutes=10)
"""Generous limit of the difference between the clocks of Airflow, its workers and the broker."""

WINDOW_DAG: Final = "sales_window"
BACKFILL_DAG: Final = "sales_backfill"
VALIDATION_DAG: Final = "sales_validation"

#: Ids of the tasks to which other modules refer.
START_TASK: Final = "start_vm"
STOP_TASK: Final = "stop_vm"
SUBMIT_TASK: Final = "submit_supervisor"
SUSPEND_TASK: Final = "suspend_supervisor"
PUBLISH_TASK: Final = "publish_sales"
LOAD_TASK: Final = "load_sales"
FILL_TASK: Final = "fill_days"
RECONCILE_TASK: Final = "reconcile"
REPORT_TASK: Final = "write_report"
SUMMARY_TASK: Final = "summary"

#: Ids of Airflow's connections. The provider's hooks default to the same ids.
KAFKA_CONNECTION: Final = "kafka_default"
DRUID_CONNECTION: Final = "druid_ingest_default"
DRUID_SQL_CONNECTION: Final = "druid_broker_default"
GOOGLE_CONNECTION: Final = "google_cloud_default"

PAGE_CONNECTION: Final = "druid_page_default"
"""Optional connection for free SQL: its login may only read the datasource of sales."""

ALERTS_CONNECTION: Final = "ventas_alerts"
"""Optional connection of the e-mail server or webhook that receives the alerts."""


def topic_of(datasource: str) -> str:
    """Return the topic of the sales in a datasource, which may be one of a test.

    The topic of their ledger has the same name with `.ledger` at its end.
    """
    return TOPIC if datasource == DATASOURCE else datasource
