"""The certificates of the secured stack, and the certificate authority that signs them.

All are PEM files in one folder: `ca.pem`, which clients must trust, and for each server one file
with its private key and its certificate. The keys are elliptic, on P-256, as TLS 1.2 and 1.3
prefer. `trustme` is not used: its authorities are meant for tests and valid until the year 3000.
"""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from include.stack import secret_files

AUTHORITY: Final = "ca"

#: Days that a server's certificate is valid. Browsers refuse longer ones (CA/Browser Forum ballot
#: SC-22).
_SERVER_DAYS: Final = 397
_AUTHORITY_DAYS: Final = 3650

#: Certificates are valid from this long ago, so that a client whose clock is slow accepts them.
_BACKDATED: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Authority:
    """A certificate authority in a folder; it is made at the first signature.

    Attributes:
        folder: folder of `ca.pem`, its key `ca.key` and the servers' files.
    """

    folder: Path

    @property
    def certificate(self) -> Path:
        """The authority's own certificate, which clients must trust."""
        return self.folder / f"{AUTHORITY}.pem"

    def server(
        self,
        name: str,
        *,
        host: str = "127.0.0.1",
        expires: datetime | None = None,
        renewed_before: timedelta = timedelta(days=30),
    ) -> Path:
        """Return `<name>.pem`, the key and certificate of a server; make it if needed.

        Args:
            name: the server's name.
            host: host name or IP address that the certificate is valid for.
            expires: end of its validity; a moment in the past makes one that clients must refuse.
            renewed_before: an existing file is replaced this long before it expires.
        """
        file = self.folder / f"{name}.pem"
        if file.exists():
            found = _certificate(file)
            if found.not_valid_after_utc - renewed_before > datetime.now(UTC):
                return file
        signing_key, issuer = self._own()
        key = ec.generate_private_key(ec.SECP256R1())
        end = expires or datetime.now(UTC) + timedelta(days=_SERVER_DAYS)
        certificate = (
            _builder(_name(name), issuer.subject, key, end)
            .add_extension(x509.SubjectAlternativeName([_general_name(host)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage(
                    # A broker also connects to itself, as a client.
                    [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
                ),
                critical=False,
            )
            .sign(signing_key, SHA256())
        )
        secret_files.write(file, _pem(key) + certificate.public_bytes(Encoding.PEM).decode())
        return file

    def _own(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        key_file = self.folder / f"{AUTHORITY}.key"
        if key_file.exists() and self.certificate.exists():
            return _key(key_file), _certificate(self.certificate)
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(f"ventas {self.folder.parent.name}"[:64])
        end = datetime.now(UTC) + timedelta(days=_AUTHORITY_DAYS)
        certificate = (
            _builder(name, name, key, end)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, SHA256())
        )
        secret_files.write(key_file, _pem(key))
        secret_files.write(self.certificate, certificate.public_bytes(Encoding.PEM).decode())
        return key, certificate


def _key(file: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except ValueError as error:
        raise secret_files.DamagedSecretsError(file, str(error)) from error
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - as it was made
    return key


def _certificate(file: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(file.read_bytes())
    except ValueError as error:
        raise secret_files.DamagedSecretsError(file, str(error)) from error


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(datetime.now(UTC), end) - _BACKDATED)
        .not_valid_after(end)
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
