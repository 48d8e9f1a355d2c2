"""Check the resources that the VM's metadata names, and write the files with which Druid starts.

It runs on the VM. `python3 -m include.gcp.guest FOLDER` writes into FOLDER the tree of `/etc/druid`
as `druid/`, and the environment of the processes as `secrets.env`, of mode 0600. It changes nothing
else.
"""

import argparse
import os
import ssl
import sys
from pathlib import Path
from typing import Final

from include.druid import container
from include.gcp import vm_druid
from include.gcp.google import Google, SetupError
from include.gcp.sizing import SizingError, size

_ATTRIBUTE: Final = "instance/attributes/ventas-"

#: For each secret: the metadata key with its name, the key in the connection's extra, and the
#: environment variable that gets its value.
_SECRETS: Final = (
    ("secret-kafka-jaas", "secret_kafka_jaas", vm_druid.KAFKA_JAAS_VARIABLE),
    ("secret-druid-admin", "secret_druid_admin", vm_druid.ADMIN_VARIABLE),
    ("secret-druid-internal", "secret_druid_internal", vm_druid.INTERNAL_VARIABLE),
    ("secret-metadata", "secret_metadata", container.PASSWORD_VARIABLE),
)


#: The data disk, by the device name that the VM's definition gives it.
DISK: Final = Path("/dev/disk/by-id/google-druid-data")

#: Share of the data disk for the historical's copies of segments. The rest is for tasks, and for
#: deep storage if there is no bucket.
_CACHE_SHARE: Final = 0.4


def secrets(google: Google) -> dict[str, str]:
    """Return the secrets that this VM needs, by environment variable."""
    found = {}
    for key, setting, variable in _SECRETS:
        if variable == container.PASSWORD_VARIABLE and not _attribute(google, "metadata-uri"):
            continue
        name = _attribute(google, key)
        if not name and variable != vm_druid.KAFKA_JAAS_VARIABLE:
            raise SetupError(f"`{setting}` in the connection's extra must name a secret")
        # Kafka may ask for no password. Its variable is set in any case, because a supervisor's
        # specification may name it.
        found[variable] = google.secret(name, setting) if name else ""
    return found


def choices(google: Google) -> vm_druid.Choices:
    """Return the choices for Druid, from the VM's metadata, its machine type and its data disk."""
    machine_type = google.metadata("instance/machine-type").rpartition("/")[-1]
    try:
        plan = size(machine_type, float(_attribute(google, "rate")))
    except SizingError as error:
        raise SetupError(
            f"correct `machine_type` or `rate` in the connection's extra: {error}"
        ) from None
    try:
        properties = vm_druid.parse_properties(_attribute(google, "druid-properties"))
    except ValueError as error:
        raise SetupError(f"correct `druid_properties` in the connection's extra: {error}") from None
    bucket = _attribute(google, "bucket")
    if bucket:
        google.check_bucket(bucket)
    metadata_uri, metadata_ca = _attribute(google, "metadata-uri"), ""
    if metadata_uri:
        metadata_ca = _attribute(google, "metadata-ca")
        _check_metadata_store(metadata_uri, metadata_ca)
    return vm_druid.Choices(
        sizes=plan.sizes,
        segment_cache=max(1, int(_gib(DISK) * _CACHE_SHARE)),
        bucket=bucket,
        metadata_uri=metadata_uri,
        metadata_ca=metadata_ca,
        metadata_user=_attribute(google, "metadata-user"),
        properties=properties,
    )


def _check_metadata_store(uri: str, authority: str) -> None:
    """Refuse a store that Druid would reach without TLS, or without checking its certificate."""
    if "?" in uri:
        raise SetupError(
            "`metadata_uri` in the connection's extra must end with the database's name: the VM"
            " adds the TLS parameters"
        )
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=authority)
    except (ssl.SSLError, ValueError):
        raise SetupError(
            "`metadata_ca` in the connection's extra must be a PEM certificate: the one of the"
            " authority that signed the metadata store's certificate"
        ) from None


def _gib(disk: Path) -> float:
    try:
        device = os.open(disk, os.O_RDONLY)
    except OSError as error:
        raise SetupError(
            f"the data disk {disk} cannot be read ({error.strerror}): attach it to this VM under"
            f" the device name {disk.name.removeprefix('google-')}"
        ) from None
    try:
        return os.lseek(device, 0, os.SEEK_END) / 2**30
    finally:
        os.close(device)


def environment_file(variables: dict[str, str]) -> str:
    """Return the text of a systemd ``EnvironmentFile`` ("systemd.exec" in systemd's manual)."""
    return "".join(f'{name}="{_quoted(value)}"\n' for name, value in sorted(variables.items()))


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("`", "\\`").replace("$", "\\$")


def _attribute(google: Google, key: str) -> str:
    return google.metadata(_ATTRIBUTE + key)


def main() -> int:
    """Write the folder and return 0; on failure, print one sentence to standard error, return 1."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    google = Google()
    try:
        variables = secrets(google)
        files = vm_druid.files(choices(google))
    except SetupError as error:
        print(f"ventas: ERROR: {error}", file=sys.stderr)
        return 1
    for name, text in files.items():
        file = folder / "druid" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    secret = folder / "secrets.env"
    secret.touch(mode=0o600)
    secret.write_text(environment_file(variables), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
