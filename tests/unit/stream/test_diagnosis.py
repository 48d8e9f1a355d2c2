"""Diagnosis of connection errors, with servers that only accept a connection or a TLS handshake."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.stack.certificates import Authority
from include.stream.diagnosis import diagnose

Serve = Callable[[Path | None], str]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "own" / "security")


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Function that starts a server, with a certificate or without TLS, and returns its address."""
    listeners: list[socket.socket] = []

    def accept(listener: socket.socket, context: ssl.SSLContext | None) -> None:
        with suppress(OSError):  # the client disconnects, or the test closes the listener
            while True:
                connection, _ = listener.accept()
                if context:
                    with suppress(OSError):
                        context.wrap_socket(connection, server_side=True)
                # Kafka also closes a connection whose bytes are not a request of its protocol.
                connection.close()

    def start(certificate: Path | None) -> str:
        context = None
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threading.Thread(target=accept, args=(listener, context), daemon=True).start()
        return f"127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in listeners:
        listener.close()


def secured(address: str, authority: Authority) -> dict[str, Any]:
    return {
        "bootstrap.servers": address,
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": str(authority.certificate),
    }


def test_diagnosis_of_a_trusted_server_finds_nothing(serve: Serve, authority: Authority) -> None:
    config = secured(serve(authority.server("kafka")), authority)
    assert diagnose(config) == ""
    inline = {**config, "ssl.ca.pem": authority.certificate.read_text()}
    del inline["ssl.ca.location"]
    assert diagnose(inline) == ""


def test_each_certificate_error_gets_its_own_advice(
    serve: Serve, authority: Authority, tmp_path: Path
) -> None:
    expired = authority.server("expired", expires=datetime.now(UTC) - timedelta(days=1))
    assert "has expired: renew it" in diagnose(secured(serve(expired), authority))
    elsewhere = authority.server("elsewhere", host="kafka.example")
    assert "not for the host '127.0.0.1'" in diagnose(secured(serve(elsewhere), authority))
    strange = Authority(tmp_path / "other" / "security").server("kafka")
    authority.server("any")
    assert "is not trusted (" in diagnose(secured(serve(strange), authority))


def test_tls_on_one_side_only_is_diagnosed(serve: Serve, authority: Authority) -> None:
    address = serve(authority.server("kafka"))
    assert "it speaks TLS: set security.protocol" in diagnose({"bootstrap.servers": address})
    assert "does not speak TLS" in diagnose(secured(serve(None), authority))
    assert diagnose({"bootstrap.servers": serve(None)}) == ""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"bootstrap.servers": "127.0.0.1:1,other:9092"}, "nothing listens there"),
        ({"bootstrap.servers": "none.invalid:9092"}, "the name 'none.invalid' is unknown"),
    ],
)
def test_address_without_a_server_is_diagnosed(change: dict[str, str], told: str) -> None:
    assert told in diagnose(change)


@pytest.mark.parametrize("ca", [{"ssl.ca.location": "/none.pem"}, {"ssl.ca.pem": "none"}])
def test_unreadable_ca_certificate_is_diagnosed(serve: Serve, ca: dict[str, str]) -> None:
    config = {"bootstrap.servers": serve(None), "security.protocol": "SSL", **ca}
    assert "is not a readable certificate" in diagnose(config)
