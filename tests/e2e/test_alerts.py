"""What people are told, by a webhook that they fill in as a connection, and how often: once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from tests.support.lab import VALIDATION, WINDOW, Lab
from tests.support.webhook import Webhook, listening

CONNECTION = "ventas_alerts"


def client(lab: Lab) -> httpx.Client:
    return httpx.Client(
        base_url=f"{lab.settings.url('airflow')}/api/v2",
        headers={"Authorization": f"Bearer {lab.api.token}"},
        timeout=30,
    )


@pytest.fixture
def webhook(lab: Lab) -> Iterator[Webhook]:
    """Filled in at Airflow's connections, and gone after the test."""
    with listening() as webhook, client(lab) as airflow:
        airflow.post(
            "/connections", json={"connection_id": CONNECTION, **webhook.connection()}
        ).raise_for_status()
        yield webhook
        airflow.delete(f"/connections/{CONNECTION}").raise_for_status()


def late_window(lab: Lab, **conf: Any) -> str:
    """A window that was to end longer ago than its deadline allows."""
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    body = {"logical_date": None, "run_after": hour_ago.isoformat(), "conf": conf}
    with client(lab) as airflow:
        answer = airflow.post(f"/dags/{WINDOW}/dagRuns", json=body).raise_for_status()
    run = str(answer.json()["dag_run_id"])
    lab.api.make_way(WINDOW, run)
    return run


def break_ledger(lab: Lab, datasource: str) -> None:
    """A record that is no entry, in the ledger of a datasource that no other test uses."""
    topic = f"{datasource}.ledger"
    admin = AdminClient(lab.kafka)
    [made] = admin.create_topics([NewTopic(topic, 1, 1)]).values()
    made.result(30)
    producer = Producer(lab.kafka)
    producer.produce(topic, b"no entry")
    assert producer.flush(30) == 0


def told_of(webhook: Webhook, run: str) -> list[str]:
    return [text for text in webhook.texts if f"/runs/{quote(run)}" in text]


def test_a_late_window_a_vm_left_on_and_a_failed_validation_are_each_told_of_once(
    lab: Lab, webhook: Webhook
) -> None:
    run = late_window(lab, duration_minutes=0.25, seed=7, keep_vm=True)
    assert lab.end_of(WINDOW, run) == "success"
    lab.wait(lambda: len(told_of(webhook, run)) == 2, "the alerts of the window", 90)
    late, left_on = told_of(webhook, run)
    assert "no terminó a tiempo" in late
    assert "docs/operations.md#a-run-is-late" in late
    assert "La VM queda encendida" in left_on

    break_ledger(lab, "ventas_avisos")
    validation = lab.api.trigger(VALIDATION, {"datasource": "ventas_avisos"})
    assert lab.end_of(VALIDATION, validation) == "failed"
    lab.wait(lambda: bool(told_of(webhook, validation)), "the alert of the validation", 90)

    # Whatever else might come has come by the end of another run.
    after = lab.api.trigger(VALIDATION, {})
    lab.end_of(VALIDATION, after)
    [invalid] = told_of(webhook, validation)
    assert invalid.startswith("Validación de ventas en Druid: falló\n")
    assert "Resumen: 1 con error — Druid igual al libro: " in invalid
    assert "docs/operations.md#validation-failed" in invalid
    assert len(told_of(webhook, run)) == 2
    assert "Traceback" not in json.dumps(webhook.texts)
