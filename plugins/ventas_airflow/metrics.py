"""The project's own metrics, sent with Airflow's; docs/observability.md lists them.

Airflow's `[metrics]` settings say where metrics are sent; by default they are not sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from airflow.sdk.observability import stats

if TYPE_CHECKING:
    from include.druid.checks import CheckResult, Status
    from include.druid.reconcile import Reconciliation

#: Value of a check's gauge for each status, so that an alert can fire above a level.
LEVELS: Final[Mapping[Status, int]] = {"ok": 0, "warning": 1, "error": 2}

#: Gauge for a check's number, by check and column of its result.
FIGURES: Final = {
    ("freshness", "segundos_desde_la_ultima"): "ventas.freshness_seconds",
    ("cadence", "pausa_p95"): "ventas.cadence_gap_p95_seconds",
    ("ingestion_lag", "aggregateLag"): "ventas.ingestion_lag_records",
}


def acknowledged(events: int, dag_id: str) -> None:
    """Count events that Kafka has acknowledged."""
    stats.incr("ventas.events_acknowledged", events, tags={"dag_id": dag_id})


def reconciled(found: Reconciliation, dag_id: str) -> None:
    """Set the gauges of the differences between Kafka and Druid: all 0 if they agree."""
    differences = {
        "lost": found.lost,
        "repeated": found.duplicated,
        "surplus": found.surplus,
        "sums": found.different_sums,
    }
    for kind, events in differences.items():
        stats.gauge("ventas.reconcile_difference", events, tags={"dag_id": dag_id, "kind": kind})


def validated(results: Iterable[CheckResult]) -> None:
    """Set the gauges of each check's status and numbers; a skipped check sets no status."""
    for result in results:
        if result.status in LEVELS:
            level = LEVELS[result.status]
            stats.gauge("ventas.check_level", level, tags={"check": result.name})
        for (check, column), name in FIGURES.items():
            value = result.numbers.get(column) if result.name == check else None
            if isinstance(value, int | float):
                stats.gauge(name, value)
