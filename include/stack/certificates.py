"""The secured stack's certificates: an authority of its own, and what it vouches for.

All are PEM files in one folder: `ca.pem`, which clients are to trust, and for each server a
certificate with its private key. Elliptic keys on P-256: as TLS 1.2 and 1.3 prefer them.
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

from include.stack import private

AUTHORITY: Final = "ca"

#: What no browser takes a server's certificate to be valid longer than (CA/Browser Forum ballot
#: SC-22), days.
_SERVER_DAYS: Final = 397
_AUTHORITY_DAYS: Final = 3650

#: A clock that goes a little behind takes a new certificate all the same.
_BACKDATED: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Authority:
    """An authority in a folder; made there if it is missing.

    Attributes:
        folder: of `ca.pem`, its key `ca.key` and the servers' files.
    """

    folder: Path

    @property
    def certificate(self) -> Path:
        """What clients trust."""
        return self.folder / f"{AUTHORITY}.pem"

    def server(
        self,
        name: str,
        *,
        host: str = "127.0.0.1",
        expires: datetime | None = None,
        renewed_before: timedelta = timedelta(days=30),
    ) -> Path:
        """`<name>.pem`: key and certificate of a server on `host`, a name or an IP address.

        It is kept until shortly before it expires. `expires` in the past makes one that no client
        may take.
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
                    # A broker is a client of itself too.
                    [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
                ),
                critical=False,
            )
            .sign(signing_key, SHA256())
        )
        private.write(file, _pem(key) + certificate.public_bytes(Encoding.PEM).decode())
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
        private.write(key_file, _pem(key))
        private.write(self.certificate, certificate.public_bytes(Encoding.PEM).decode())
        return key, certificate


def _key(file: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except ValueError as error:
        raise private.DamagedSecretsError(file, str(error)) from error
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - as it was made
    return key


def _certificate(file: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(file.read_bytes())
    except ValueError as error:
        raise private.DamagedSecretsError(file, str(error)) from error


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
