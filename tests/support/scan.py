"""Looking for secrets where none may be, and for files that others may read."""

import json
import stat
from base64 import b64encode
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from include.stack import security
from include.stack.settings import Settings

_PART = 1 << 20


class Found(NamedTuple):
    """A file that holds secrets, by its path within the stack's folder; `names` are theirs."""

    path: str
    names: frozenset[str]
    private: bool
    """Whether nobody but its user may read it."""


def secrets_of(settings: Settings) -> dict[str, bytes]:
    """Every secret of a secured stack by name, in each of the forms that it travels in."""
    own = security.passwords(settings)
    airflow = json.loads((settings.home / "airflow" / "secrets.json").read_text(encoding="utf-8"))
    login = security.druid_login(settings)
    assert login
    return {
        **{f"Kafka's or Druid's {name}": value.encode() for name, value in own.items()},
        **{f"The inner {name}": value.encode() for name, value in security.inner(settings).items()},
        **{f"Airflow's {name}": value.encode() for name, value in airflow.items()},
        "Druid's Authorization": b64encode(":".join(login).encode()),
        "a private key": b"PRIVATE KEY-----",
    }


def names_in(parts: Iterable[bytes], secrets: Mapping[str, bytes]) -> frozenset[str]:
    """Names of the secrets that are in a content, given in parts of any size."""
    longest = max(map(len, secrets.values()))
    found: set[str] = set()
    kept = b""
    for part in parts:
        kept = kept[-longest:] + part
        found |= {name for name, secret in secrets.items() if secret in kept}
    return frozenset(found)


def scan_files(folder: Path, secrets: Mapping[str, bytes]) -> list[Found]:
    """Every file below a folder that holds secrets."""
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
    """Mode of the folder and of everything below it, by the path within it."""
    modes = {}
    for path in [folder, *folder.rglob("*")]:
        try:
            modes[path.relative_to(folder).as_posix()] = path.lstat().st_mode
        except FileNotFoundError:  # a service has just removed it
            continue
    return modes


def open_to_others(modes: Mapping[str, int]) -> dict[str, str]:
    """Of `modes_in`, what others than the user may read, write or enter. A link has no mode."""
    return {
        path: stat.filemode(mode)
        for path, mode in modes.items()
        if mode & 0o077 and not stat.S_ISLNK(mode)
    }
