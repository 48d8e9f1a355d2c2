"""Delivery of a message to the connection's address: sent once, and a failure raises nothing."""

from __future__ import annotations

import json
import logging
import smtplib
from collections.abc import Iterator
from email.message import Message
from typing import Any

import pytest
import requests
from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

from include.stack.ports import free_ports
from tests.support.webhook import Webhook, listening
from ventas_airflow import delivery
from ventas_airflow.delivery import deliver

SECRET = "s3cret"
TEXT = "Ventana: falló\nPublicar ventas: sin Kafka <b>"


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with listening() as webhook:
        yield webhook


def connect(monkeypatch: pytest.MonkeyPatch, **fields: Any) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_VENTAS_ALERTS", json.dumps(fields))


def test_webhook_gets_the_text(monkeypatch: pytest.MonkeyPatch, webhook: Webhook) -> None:
    connect(monkeypatch, **webhook.connection())
    assert deliver("Ventana: falló", TEXT)
    assert webhook.texts == [TEXT]
    assert webhook.paths == ["/services/T0/B0/s3cret"]


def test_webhook_address_may_be_the_connections_host_alone(
    monkeypatch: pytest.MonkeyPatch, webhook: Webhook
) -> None:
    connect(monkeypatch, conn_type="http", host=f"http://127.0.0.1:{webhook.port}/hook")
    assert deliver("x", TEXT)
    assert webhook.paths == ["/hook"]


def test_webhook_without_a_schema_uses_https() -> None:
    slack = Connection(
        conn_id="c", conn_type="slackwebhook", host="hooks.slack.com/services", password="T/B/x"
    )
    assert delivery.webhook_url(slack) == "https://hooks.slack.com/services/T/B/x"


def test_without_a_connection_the_message_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert not deliver("x", TEXT)
    assert "sin Kafka" in caplog.text


@pytest.mark.parametrize("status", [302, 404, 500])
def test_refused_message_is_logged_without_the_webhooks_address(
    monkeypatch: pytest.MonkeyPatch,
    webhook: Webhook,
    caplog: pytest.LogCaptureFixture,
    status: int,
) -> None:
    webhook.status = status
    connect(monkeypatch, **webhook.connection())
    assert not deliver("x", TEXT)
    assert len(webhook.bodies) == 1
    assert "could not be delivered" in caplog.text
    assert "sin Kafka" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    "fields",
    [
        {"conn_type": "http", "schema": "http", "host": "127.0.0.1"},
        {"conn_type": "http", "schema": "ftp", "host": "127.0.0.1"},
        {"conn_type": "http"},
        {"conn_type": "smtp", "host": "127.0.0.1", "extra": {"disable_ssl": True}},
        {"conn_type": "smtp", "host": "127.0.0.1", "extra": {"to": "a@b.ar", "disable_ssl": True}},
    ],
)
def test_unreachable_or_incomplete_connection_raises_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fields: dict[str, Any]
) -> None:
    [closed] = free_ports(1)
    connect(monkeypatch, **fields, port=closed, password=SECRET)
    assert not deliver("x", TEXT)
    assert "could not be delivered" in caplog.text
    assert SECRET not in caplog.text


def test_failed_lookup_of_the_connection_raises_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: str) -> None:
        raise AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR))

    monkeypatch.setattr(Connection, "get", refuse)
    assert not deliver("x", TEXT)
    assert "could not be delivered" in caplog.text


def test_webhook_is_posted_to_with_a_time_out_of_ten_seconds(
    monkeypatch: pytest.MonkeyPatch, webhook: Webhook
) -> None:
    waited = []
    send = requests.post

    def post(*arguments: Any, timeout: float, **options: Any) -> requests.Response:
        waited.append(timeout)
        return send(*arguments, timeout=timeout, **options)

    monkeypatch.setattr(requests, "post", post)
    connect(monkeypatch, **webhook.connection())
    assert deliver("x", TEXT)
    assert waited == [10]


def test_email_goes_to_the_recipients_of_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[tuple[str, list[str], Message]] = []

    class Server:
        """Stands in for `smtplib.SMTP_SSL`."""

        def __init__(self, host: str, port: int, timeout: int, **_: object) -> None:
            assert (host, port, timeout) == ("mail.example", 465, 10)

        def sendmail(self, from_addr: str, to_addrs: list[str], msg: str) -> None:
            from email import message_from_string

            sent.append((from_addr, to_addrs, message_from_string(msg)))

        def close(self) -> None:
            pass

    monkeypatch.setattr(smtplib, "SMTP_SSL", Server)
    extra = {"to": "a@b.ar, c@b.ar", "from_email": "ventas@b.ar", "disable_tls": True}
    connect(monkeypatch, conn_type="smtp", host="mail.example", port=465, extra=extra)
    assert deliver("Ventana: falló", TEXT)
    [(sender, to, message)] = sent
    assert (sender, to) == ("ventas@b.ar", ["a@b.ar", "c@b.ar"])
    _, part = message.walk()
    body = part.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert "Publicar ventas: sin Kafka &lt;b&gt;" in body.decode()
