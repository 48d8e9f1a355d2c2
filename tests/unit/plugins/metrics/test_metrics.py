"""The project's metrics, sent from a process like a task's to an OpenTelemetry collector."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from include.stack.settings import ROOT
from tests.support.webhook import listening

#: Code of a task, after the set-up of metrics that Airflow's task runner does; exit flushes them.
TASK = """
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics.stats_utils import get_stats_factory

stats.initialize(factory=get_stats_factory(), export_legacy_names=True)

from include.druid.checks import CheckResult
from include.druid.reconcile import Reconciliation
from ventas_airflow import metrics

metrics.acknowledged(3, "sales_window")
metrics.acknowledged(2, "sales_window")
metrics.reconciled(Reconciliation("r", 9, 9, 7, 2, 0, 0), "sales_window")
metrics.validated(
    CheckResult(name, name, "error", status, numbers, "")
    for name, status, numbers in [
        ("freshness", "error", {"segundos_desde_la_ultima": 61.5}),
        ("cadence", "warning", {"pausa_p95": None}),
        ("ingestion_lag", "ok", {"aggregateLag": 7, "report": "RUNNING"}),
        ("money", "skipped", {}),
    ]
)
"""


def exported(environment: dict[str, str], home: Path) -> dict[str, float]:
    """Run the task with a collector, and return the values by metric and attributes."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW_", "OTEL_"))}
    with listening() as collector:
        subprocess.run(
            [sys.executable, "-c", TASK],
            env={
                **kept,
                **environment,
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.port}",
                "AIRFLOW_HOME": str(home),
                "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}",
            },
            check=True,
            timeout=120,
        )
        requests = [
            ExportMetricsServiceRequest.FromString(body)  # type: ignore[no-untyped-call]
            for body in collector.bodies
        ]
        assert set(collector.paths) <= {"/v1/metrics"}
    found = {}
    for request in requests:
        for metric in request.resource_metrics[0].scope_metrics[0].metrics:
            points = metric.sum.data_points or metric.gauge.data_points
            for point in points:
                tags = ",".join(f"{a.key}={a.value.string_value}" for a in point.attributes)
                found[f"{metric.name}{{{tags}}}"] = point.as_double or point.as_int
    return found


def test_collector_gets_every_metric(tmp_path: Path) -> None:
    window = "dag_id=sales_window"
    assert exported({"AIRFLOW__METRICS__OTEL_ON": "True"}, tmp_path) == {
        f"airflow.ventas.events_acknowledged{{{window}}}": 5,
        f"airflow.ventas.reconcile_difference{{{window},kind=lost}}": 2,
        f"airflow.ventas.reconcile_difference{{{window},kind=repeated}}": 0,
        f"airflow.ventas.reconcile_difference{{{window},kind=surplus}}": 0,
        f"airflow.ventas.reconcile_difference{{{window},kind=sums}}": 0,
        "airflow.ventas.check_level{check=freshness}": 2,
        "airflow.ventas.check_level{check=cadence}": 1,
        "airflow.ventas.check_level{check=ingestion_lag}": 0,
        "airflow.ventas.freshness_seconds{}": 61.5,
        "airflow.ventas.ingestion_lag_records{}": 7,
    }


def test_by_default_nothing_is_sent(tmp_path: Path) -> None:
    assert exported({}, tmp_path) == {}
