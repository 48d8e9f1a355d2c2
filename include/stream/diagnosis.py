"""Find out why Kafka cannot be reached: look up the host name, connect, and try TLS.

librdkafka only reports that a handshake failed; Python's `ssl` module reports why.
"""

import socket
import ssl
from collections.abc import Mapping
from typing import Any, Final

_TIMEOUT: Final = 3.0

_TLS: Final = ("SSL", "SASL_SSL")

#: OpenSSL's verification errors (x509_vfy.h) that get a message of their own.
_EXPIRED: Final = 10
_OTHER_HOST: Final = (62, 64)


def diagnose(config: Mapping[str, Any]) -> str:
    """Return why a client with this librdkafka configuration cannot connect; "" if none is found.

    The text completes a sentence that begins with the broker's address. Only the first address of
    `bootstrap.servers` is tried, for a few seconds.
    """
    host, port = _first(str(config["bootstrap.servers"]))
    tls = str(config.get("security.protocol", "plaintext")).upper() in _TLS
    try:
        with socket.create_connection((host, port), _TIMEOUT) as connection:
            return _of_tls(connection, host, config) if tls else _of_plaintext(connection)
    except socket.gaierror:
        return f"the name {host!r} is unknown: correct bootstrap.servers"
    except ConnectionRefusedError:
        return (
            "nothing listens there: start the broker, or correct the host and port in "
            "bootstrap.servers"
        )
    except OSError:
        return ""


def _of_tls(connection: socket.socket, host: str, config: Mapping[str, Any]) -> str:
    try:
        context = ssl.create_default_context(
            cafile=config.get("ssl.ca.location"), cadata=config.get("ssl.ca.pem")
        )
    except (OSError, ssl.SSLError):
        return (
            "the connection's ssl.ca.location or ssl.ca.pem is not a readable certificate: "
            "correct it"
        )
    try:
        context.wrap_socket(connection, server_hostname=host).close()
    except ssl.SSLCertVerificationError as error:
        if error.verify_code == _EXPIRED:
            return "its certificate has expired: renew it on the broker"
        if error.verify_code in _OTHER_HOST:
            return (
                f"its certificate is not for the host {host!r}: put the certificate's host name "
                "into bootstrap.servers, or give the broker a certificate for this name"
            )
        return (
            f"its certificate is not trusted ({error.verify_message}): set ssl.ca.location or "
            "ssl.ca.pem to the certificate of the authority that issued it"
        )
    except OSError:
        return (
            "it does not speak TLS on this port: use the port of its TLS listener, or correct "
            "security.protocol"
        )
    return ""


def _of_plaintext(connection: socket.socket) -> str:
    # No data is sent over this connection, so the certificate need not be verified.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        context.wrap_socket(connection).close()
    except OSError:
        return ""
    return "it speaks TLS: set security.protocol to SASL_SSL, or to SSL without a login"


def _first(servers: str) -> tuple[str, int]:
    host, _, port = servers.split(",")[0].strip().rpartition(":")
    return host.strip("[]"), int(port)
