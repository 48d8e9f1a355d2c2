"""`deploy/tls/install.sh`: its certificate opens a TLS connection; apt and systemd are fakes."""

from __future__ import annotations

import os
import ssl
import subprocess
from pathlib import Path

import pytest

from include.stack.settings import ROOT

NAME = "druid-ventas.southamerica-east1-a.c.my-project.internal"


@pytest.fixture
def installed(tmp_path: Path) -> tuple[Path, str]:
    """Run the script twice; return its folder and the certificate that it prints."""
    (tmp_path / "bin").mkdir()
    for name in ("apt-get", "systemctl"):
        (tmp_path / "bin" / name).write_text("#!/bin/sh\necho noise >&2\n")
        (tmp_path / "bin" / name).chmod(0o755)
    printed = {
        subprocess.run(
            [ROOT / "deploy/tls/install.sh", NAME],
            env={"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "DESTDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(2)
    }
    assert len(printed) == 1
    return tmp_path / "etc/stunnel", printed.pop()


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> None:
    """Let both sides of a connection in memory agree, or raise the client's error."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        client.wrap_bio(to_client, to_server, server_hostname=host),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert sides[0].version() is not None


def test_clients_trust_the_printed_certificate_for_this_host_only(
    installed: tuple[Path, str],
) -> None:
    folder, certificate = installed
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "druid.pem")
    handshake(server, ssl.create_default_context(cadata=certificate), NAME)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, ssl.create_default_context(cadata=certificate), "other.internal")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, ssl.create_default_context(), NAME)


def test_key_is_readable_by_root_alone_and_is_not_printed(installed: tuple[Path, str]) -> None:
    folder, certificate = installed
    assert (folder / "druid.pem").stat().st_mode & 0o077 == 0
    assert "PRIVATE KEY" in (folder / "druid.pem").read_text()
    assert "PRIVATE" not in certificate


def test_proxy_sends_requests_to_the_router_on_this_machine(installed: tuple[Path, str]) -> None:
    folder, _ = installed
    lines = (folder / "druid.conf").read_text().splitlines()
    assert {"accept = 9088", "connect = 127.0.0.1:8888"} < set(lines)
