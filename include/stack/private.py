"""Secrets of one stack, made at its first start and readable by its user alone."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path


def kept(file: Path, makers: Mapping[str, Callable[[], str]]) -> dict[str, str]:
    """The secrets in a JSON file; those that are not there yet are made and added."""
    there: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    missing = {name: make() for name, make in makers.items() if name not in there}
    if missing:
        file.parent.mkdir(parents=True, exist_ok=True)
        write(file, json.dumps({**there, **missing}))
    return {**there, **missing}


def write(file: Path, text: str) -> None:
    """Write a file that nobody else may read, at no moment."""
    with open(file, "w", encoding="utf-8", opener=_private) as target:
        # One that was there keeps its mode otherwise.
        os.fchmod(target.fileno(), 0o600)
        target.write(text)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
