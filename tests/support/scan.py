"""Search for secrets in places that must not have them, and for files that others may read."""

import json
import stat
from base64 import b64encode
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from include.stack import security
from include.stack.settings import Settings

_PART = 1 << 20


class Found(NamedTuple):
    """A file that holds secrets: its path in the scanned folder, and the secrets' names."""

    path: str
    names: frozenset[str]
    private: bool
    """Whether only its user may read it."""


def secrets_of(settings: Settings) -> dict[str, bytes]:
    """Return the secrets of a secured stack by name, in every form in which they are sent."""
    own = security.passwords(settings)
    airflow = json.loads((settings.home / "airflow" / "secrets.json").read_text(encoding="utf-8"))
    login = security.druid_login(settings)
    assert login
    database = urlsplit(settings.airflow_database)
    return {
        **{f"Kafka's or Druid's {name}": value.encode() for name, value in own.items()},
        **{f"The inner {name}": value.encode() for name, value in security.inner(settings).items()},
        **{f"Airflow's {name}": value.encode() for name, value in airflow.items()},
        "Druid's Authorization": b64encode(":".join(login).encode()),
        "a private key": b"PRIVATE KEY-----",
        **({"Airflow's database": database.netloc.encode()} if database.password else {}),
    }


def names_in(parts: Iterable[bytes], secrets: Mapping[str, bytes]) -> frozenset[str]:
    """Return the names of the secrets in a content, which comes in parts of any size."""
    longest = max(map(len, secrets.values()))
    found: set[str] = set()
    kept = b""
    for part in parts:
        kept = kept[-longest:] + part
        found |= {name for name, secret in secrets.items() if secret in kept}
    return frozenset(found)


def scan_files(folder: Path, secrets: Mapping[str, bytes]) -> list[Found]:
    """Return every file below a folder that holds secrets."""
    found = []
    for file in sorted(folder.rglob("*")):
        try:
            if not stat.S_ISREG(file.lstat().st_mode):
                continue
            with file.open("rb") as content:
                names = names_in(iter(lambda: content.read(_PART), b""), secrets)
            mode = stat.S_IMODE(file.stat().st_mode)
        except FileNotFoundError:  # a service has just removed it
            continue
        if names:
            path = file.relative_to(folder).as_posix()
            found.append(Found(path, names, private=mode == 0o600))
    return found


def modes_in(folder: Path) -> dict[str, int]:
    """Return the mode of the folder and of everything below it, by path in the folder."""
    modes = {}
    for path in [folder, *folder.rglob("*")]:
        try:
            modes[path.relative_to(folder).as_posix()] = path.lstat().st_mode
        except FileNotFoundError:  # a service has just removed it
            continue
    return modes


def open_to_others(modes: Mapping[str, int]) -> dict[str, str]:
    """Return the paths of `modes_in` that other users may read, write or enter.

    Symbolic links are left out: they have no mode of their own.
    """
    return {
        path: stat.filemode(mode)
        for path, mode in modes.items()
        if mode & 0o077 and not stat.S_ISLNK(mode)
    }
