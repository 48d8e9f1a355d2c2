"""The secret files of a stack: made at its first start, and only its user may read them."""

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path


class DamagedSecretsError(RuntimeError):
    """A file of secrets cannot be parsed; the message names it and says what to do."""

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(
            f"The secrets in {file} are damaged ({why}): restore a copy of the file, or run "
            "`./ventas down`, delete the file and run `./ventas up`, which makes new secrets."
        )


def kept(file: Path, makers: Mapping[str, Callable[[], str]]) -> dict[str, str]:
    """Return the secrets in a JSON file; make and add those that the file does not have yet.

    Args:
        file: the JSON file, created if it is missing.
        makers: a function that makes each secret, by the secret's name.

    Raises:
        DamagedSecretsError: the file is not a JSON object whose values are texts.
    """
    found = _read(file) if file.exists() else {}
    missing = {name: make() for name, make in makers.items() if name not in found}
    if missing:
        write(file, json.dumps({**found, **missing}))
    return {**found, **missing}


def write(file: Path, text: str) -> None:
    """Write a file atomically; at no moment may anybody else read it.

    The text goes to a temporary file in the same folder, which is synced to the disk and then
    renamed, so that neither a crash nor a full disk leaves half a secret.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as target:
            target.write(text)
            target.flush()
            os.fsync(descriptor)
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync(file.parent)


def _read(file: Path) -> dict[str, str]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DamagedSecretsError(file, str(error)) from error
    if not isinstance(found, dict) or not all(isinstance(v, str) and v for v in found.values()):
        raise DamagedSecretsError(file, "it is not a JSON object whose values are texts")
    return found


def _sync(folder: Path) -> None:
    """Sync a folder to the disk, so that a rename in it survives a crash."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
