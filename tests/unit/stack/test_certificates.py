"""The stack's authority and its servers' certificates, verified by Python's own TLS."""

import ssl
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from include.stack.certificates import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "stack" / "security")


def shake_hands(server_file: Path, trusted: Path, host: str) -> None:
    """Do a TLS handshake in memory, with all the checks of a client."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(server_file)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_context = ssl.create_default_context(cafile=str(trusted))
    client = client_context.wrap_bio(to_client, to_server, server_hostname=host)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    waiting: list[Callable[[], None]] = [client.do_handshake, server.do_handshake]
    while waiting:
        step = waiting.pop(0)
        try:
            step()
        except ssl.SSLWantReadError:
            waiting.append(step)


def test_client_with_the_authority_trusts_the_server_on_its_host(
    authority: Authority,
) -> None:
    shake_hands(authority.server("kafka"), authority.certificate, "127.0.0.1")
    shake_hands(authority.server("named", host="localhost"), authority.certificate, "localhost")


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        ({"host": "localhost"}, "IP address mismatch"),
        ({"expires": datetime.now(UTC) - timedelta(days=1)}, "certificate has expired"),
    ],
)
def test_client_refuses_another_host_and_an_expired_certificate(
    authority: Authority, server: dict[str, object], reason: str
) -> None:
    file = authority.server("kafka", **server)  # type: ignore[arg-type]
    with pytest.raises(ssl.SSLCertVerificationError, match=reason):
        shake_hands(file, authority.certificate, "127.0.0.1")


def test_client_refuses_a_certificate_of_another_authority(
    authority: Authority, tmp_path: Path
) -> None:
    other = Authority(tmp_path / "other" / "security")
    other.server("kafka")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(authority.server("kafka"), other.certificate, "127.0.0.1")


def test_certificate_is_renewed_only_shortly_before_it_expires(authority: Authority) -> None:
    def serial(file: Path) -> int:
        return x509.load_pem_x509_certificate(file.read_bytes()).serial_number

    first = serial(authority.server("kafka"))
    trusted = authority.certificate.read_bytes()
    assert serial(authority.server("kafka")) == first
    # It expires in 397 days, so it is renewed if 398 days must be left.
    assert serial(authority.server("kafka", renewed_before=timedelta(days=398))) != first
    assert authority.certificate.read_bytes() == trusted


def test_only_the_user_may_read_the_keys(authority: Authority) -> None:
    files = {authority.server("kafka"), authority.folder / "ca.key"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert b"PRIVATE" not in authority.certificate.read_bytes()
