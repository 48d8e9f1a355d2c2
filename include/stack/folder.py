"""The folder of one stack: which folders are a stack's, who works on one, and how it is removed."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from include.stack.settings import ROOT

#: Says that a folder is a stack's; without it, nothing in the folder is touched.
MARKER: Final = ".ventas-stack"
_MARKER_TEXT: Final = "A stack of `./ventas`: `./ventas clean` removes this folder and all in it.\n"

#: Held by the command that changes the stack; its text says which one.
LOCK: Final = ".ventas-lock"

#: The project's own folder for stacks, which git ignores: it needs no marker.
_PROJECTS: Final = ROOT / ".ventas"

#: What a stack of a version without the marker has.
_OLD_LAYOUT: Final = ("supervisord.conf", "conf", "airflow")


class FolderError(RuntimeError):
    """A folder that a command may not use or could not remove; the message says what to do."""


def claim(home: Path) -> None:
    """Make a folder a stack's: one that is missing or empty, or that is a stack's already.

    Raises:
        FolderError: it holds something else.
    """
    _check(home)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.chmod(0o700)
    marker = home / MARKER
    if not marker.exists():
        marker.write_text(_MARKER_TEXT, encoding="utf-8")


@contextmanager
def held(home: Path, command: str) -> Iterator[None]:
    """Let nobody else change the stack, and make its files the user's alone, within the block.

    Raises:
        FolderError: another command is at work on it; or the folder is not a stack's.
    """
    _check(home)
    before = os.umask(0o077)
    try:
        home.mkdir(parents=True, exist_ok=True)
        with (home / LOCK).open("a+", encoding="utf-8") as lock:
            _take(lock.fileno(), home / LOCK)
            lock.truncate(0)
            lock.write(f"`./ventas {command}` (process {os.getpid()})")
            lock.flush()
            yield
    finally:
        os.umask(before)


def remove(home: Path) -> None:
    """Delete a stack's folder and all in it; what marks it goes last.

    Raises:
        FolderError: it is not a stack's, or something in it cannot be deleted.
    """
    _check(home)
    try:
        for path in home.iterdir():
            if path.name in (MARKER, LOCK):
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        for name in (MARKER, LOCK):
            (home / name).unlink(missing_ok=True)
        home.rmdir()
    except OSError as error:
        raise FolderError(
            f"{home} is not removed: {error.filename} could not be deleted ({error.strerror}). "
            "Some of what the folder held is gone; correct that and clean again."
        ) from error


def contents(home: Path) -> str:
    """Names and size of what a folder holds, for the person who removes it."""
    names = sorted(path.name for path in home.iterdir() if path.name not in (MARKER, LOCK))
    size = sum(
        (Path(folder) / file).lstat().st_size
        for folder, _, files in os.walk(home)
        for file in files
    )
    return f"{', '.join(names) or '—'} ({size / 1024 / 1024:,.1f} MiB)"


def _check(home: Path) -> None:
    """Refuse a folder that has something in it and is not a stack's."""
    if (home / MARKER).exists() or home.is_relative_to(_PROJECTS) or not home.exists():
        return
    found = [path.name for path in home.iterdir() if path.name != LOCK]
    if not found:
        return
    if all(name in found for name in _OLD_LAYOUT):
        raise FolderError(
            f"{home} looks like a stack of an earlier version, which did not mark its folder: if "
            f"nothing in it is of use to you, run `touch {home / MARKER}` and try again."
        )
    raise FolderError(
        f"{home} holds files that no stack made ({found[0]}…): set VENTAS_HOME to an empty or a "
        "new folder."
    )


def _take(descriptor: int, file: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = file.read_text(encoding="utf-8") or "Another command"
        raise FolderError(
            f"{holder} is at work on the stack in {file.parent}: wait for its end."
        ) from None
    if not file.exists() or file.stat().st_ino != os.fstat(descriptor).st_ino:
        raise FolderError(f"{file.parent} was removed a moment ago: try again.")
