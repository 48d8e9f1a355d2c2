"""A late window with injected faults and an incident, on a real scheduler, Kafka and Druid.

Injected faults and prevented sales are not errors for the reconciliation and the validation. Each
real problem sends one alert to the webhook of the connection `ventas_alerts`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote

import pytest
from confluent_kafka import Producer

from include.names import VALIDATION_DAG, WINDOW_DAG
from include.page.reports.day import decode
from include.sales.faults import COPY
from include.stream.topics import ensure_topic
from tests.support.lab import Lab
from tests.support.vm import VM, instances
from tests.support.webhook import Webhook, listening

CONNECTION = "ventas_alerts"

CONF = {
    "seed": 7,
    "duration_minutes": 0.25,
    "minimum_gap": 0.1,
    "maximum_gap": 0.2,
    "duplicates_pct": 10,
    "late_pct": 10,
    "out_of_order_pct": 10,
    "malformed_pct": 30,
    "bursts_pct": 20,
    "incidents": ["menos_ventas; ; 40"],
    "keep_vm": True,
}


class Window(NamedTuple):
    """A window that has ended, a validation triggered while it sold, and the alerts' webhook."""

    run: str
    validation: str
    webhook: Webhook

    def told(self, run: str) -> list[str]:
        """Return the alerts that link to a run."""
        return [text for text in self.webhook.texts if f"/runs/{quote(run)}" in text]


def late_window(lab: Lab) -> str:
    """Open a window whose planned end is so long ago that its deadline is over."""
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    run = lab.api.trigger(WINDOW_DAG, CONF, run_after=hour_ago)
    lab.api.make_way(WINDOW_DAG, run)
    return run


@pytest.fixture(scope="module")
def window(lab: Lab) -> Iterator[Window]:
    with listening() as webhook:
        lab.api.add_connection(CONNECTION, webhook.connection())
        run = late_window(lab)
        lab.wait(lambda: lab.in_druid(run) >= 5, "the sales of the window", 300)
        validation = lab.validate()
        assert lab.end_of(WINDOW_DAG, run) == "success"
        yield Window(run, validation, webhook)
        lab.api.delete_connection(CONNECTION)
        lab.api.set_paused(VALIDATION_DAG, True)


def test_kafka_the_ledger_and_druid_agree(lab: Lab, window: Window) -> None:
    found = lab.api.xcom(WINDOW_DAG, window.run, "reconcile")
    published = lab.api.xcom(WINDOW_DAG, window.run, "publish_sales")
    faults = published["faults"]
    assert found["equal"]
    assert published["omitted"] > 0
    assert published["sales"] + published["omitted"] == published["last"] + 1
    assert found["committed"] > 50
    assert found["malformed"]["unparseable"] > 0
    assert found["malformed"]["with_error"] == faults["tipo_erroneo"] > 0
    assert {"duplicado", "tardio", "desordenado"} <= faults.keys()


def test_druid_has_each_event_of_kafka(lab: Lab, window: Window) -> None:
    rows = lab.druid.sql("SELECT DISTINCT id_evento FROM ventas WHERE corrida = ?", [window.run])
    in_kafka, in_druid = lab.event_ids(window.run), {row["id_evento"] for row in rows}
    # Some malformed copies of events become rows, too.
    copies = {name for name in in_kafka | in_druid if name.endswith(COPY)}
    assert copies
    assert in_druid - copies == in_kafka - copies


def test_vm_is_left_on_if_the_form_asks_for_it(lab: Lab, window: Window) -> None:
    assert lab.state(window.run, "stop_vm") == "skipped"
    assert instances(lab.settings).get(**VM).status == "RUNNING"


def test_validation_succeeds_during_the_window_and_after_it(lab: Lab, window: Window) -> None:
    after = lab.validate()
    for validation in (window.validation, after):
        assert lab.end_of(VALIDATION_DAG, validation) == "success"
        summary = lab.api.xcom(VALIDATION_DAG, validation, "summary")
        assert summary["totals"]["error"] == 0
        assert summary["totals"]["ok"] >= 8


def test_late_window_and_vm_left_on_send_one_alert_each(lab: Lab, window: Window) -> None:
    lab.wait(lambda: len(window.told(window.run)) >= 2, "the alerts of the window", 300)
    late, left_on = window.told(window.run)
    assert "no terminó a tiempo" in late
    assert "docs/operations.md#a-run-is-late" in late
    assert "La VM queda encendida" in left_on


def test_end_of_day_report_is_stored_and_sent(lab: Lab, window: Window) -> None:
    name = lab.api.xcom(WINDOW_DAG, window.run, "write_report")
    report = decode((lab.settings.home / "reports" / f"{name}.json").read_bytes())
    found = lab.api.xcom(WINDOW_DAG, window.run, "publish_sales")
    assert report.quality.reconciled
    assert report.quality.committed == found["committed"]
    assert report.quality.faults == found["faults"]
    assert report.stores
    [text] = [text for text in window.webhook.texts if f"/ventas/reports/{name}" in text]
    assert text.startswith("Cierre del día: ")


def break_ledger(lab: Lab, datasource: str) -> None:
    """Write a record that is not an entry to the ledger of a datasource used only here."""
    topic = f"{datasource}.ledger"
    ensure_topic(lab.kafka, topic, partitions=1)
    producer = Producer(lab.kafka)
    producer.produce(topic, b"no entry")
    assert producer.flush(120) == 0


def test_failed_validation_sends_one_alert(lab: Lab, window: Window) -> None:
    break_ledger(lab, "ventas_avisos")
    validation = lab.validate(datasource="ventas_avisos")
    assert lab.end_of(VALIDATION_DAG, validation) == "failed"
    lab.wait(lambda: bool(window.told(validation)), "the alert of the validation", 300)
    [told] = window.told(validation)
    assert told.startswith("Validación de ventas en Druid: falló\n")
    assert "Resumen: 1 con error — Druid igual al libro: " in told
    assert "docs/operations.md#validation-failed" in told
    # Until the end of that run, the window had time for another alert.
    assert len(window.told(window.run)) == 2
    assert "Traceback" not in json.dumps(window.webhook.texts)


def test_form_with_an_unknown_store_starts_nothing(lab: Lab) -> None:
    run = lab.open_window(stores=["cordoba-centr"])
    assert lab.end_of(WINDOW_DAG, run) == "failed"
    assert "cordoba-centro" in lab.api.log(WINDOW_DAG, run, "check_form", 1)
    assert lab.state(run, "start_vm") == "upstream_failed"
