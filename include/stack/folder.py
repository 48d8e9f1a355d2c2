"""The folder of a stack: which folders it may use, the lock for its commands, its removal."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil

from include.stack.settings import ROOT

#: File that marks a stack's folder. A folder that has other files and no marker is left alone.
MARKER: Final = ".ventas-stack"
_MARKER_TEXT: Final = "A stack of `./ventas`; `./ventas clean` deletes this folder and its files.\n"

#: File that a command locks while it changes the stack; its text names that command.
LOCK: Final = ".ventas-lock"

#: The project's own folder for stacks. It needs no marker, because git ignores it.
_PROJECTS: Final = ROOT / ".ventas"

#: Files and folders of every stack that an earlier version made; that version had no marker.
_OLD_LAYOUT: Final = ("supervisord.conf", "conf", "airflow")


class FolderError(RuntimeError):
    """A command may not use a folder or could not remove it; the message says what to do."""


def claim(home: Path) -> None:
    """Turn a missing or empty folder into a stack's folder; a stack's folder stays as it is.

    Raises:
        FolderError: the folder holds other files.
    """
    _check(home)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.chmod(0o700)
    marker = home / MARKER
    if not marker.exists():
        marker.write_text(_MARKER_TEXT, encoding="utf-8")


@contextmanager
def held(home: Path, command: str) -> Iterator[None]:
    """Lock the stack while one command changes it; only the user may read the files it makes.

    Raises:
        FolderError: another command holds the lock, or the folder is not a stack's folder.
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


def claim_downloads(cache: Path) -> None:
    """Make the folder of the downloads, or make sure that nobody else can change its files.

    The downloads are verified at each start, but the files compiled from them are not.

    Raises:
        FolderError: the folder cannot be made, or belongs to another user.
    """
    try:
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = cache.stat()
        if found.st_uid == os.geteuid():
            cache.chmod(found.st_mode & 0o755)
    except OSError as error:
        raise FolderError(
            f"The folder for downloads, {cache}, cannot be created ({error.strerror}): set "
            "VENTAS_CACHE to a folder that you can write to."
        ) from error
    if found.st_uid not in (os.geteuid(), 0):
        raise FolderError(
            f"The folder for downloads, {cache}, belongs to another user, who could change the "
            "programs in it: set VENTAS_CACHE to a folder of yours."
        )


def remove(home: Path, first: Callable[[], object] = lambda: None) -> None:
    """Delete a stack's folder and everything in it; the marker is deleted last.

    Symbolic links are deleted, but not their targets. `first` is called after the checks, before
    anything is deleted.

    Raises:
        FolderError: the folder is not a stack's folder, a disk is mounted in it, or a file in it
            could not be deleted.
    """
    _check(home)
    if mounted := [path for path in _mount_points() if home in path.parents]:
        raise FolderError(
            f"{mounted[0]} is a mounted disk or folder, whose files may not belong to the stack: "
            f"unmount it, then clean again. Nothing was deleted."
        )
    first()
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
            f"{home} is still there: {error.filename} could not be deleted ({error.strerror}). "
            "Other files in the folder were deleted. Remove the cause, then clean again."
        ) from error


def contents(home: Path) -> str:
    """Return a text with the folder's entries and size, to show before its removal."""
    names = sorted(path.name for path in home.iterdir() if path.name not in (MARKER, LOCK))
    size = sum(
        (Path(folder) / file).lstat().st_size
        for folder, _, files in os.walk(home)
        for file in files
    )
    return f"{', '.join(names) or '—'} ({size / 1024 / 1024:,.1f} MiB)"


def _mount_points() -> list[Path]:
    return [Path(partition.mountpoint) for partition in psutil.disk_partitions(all=True)]


def _check(home: Path) -> None:
    """Raise unless the folder is missing, empty or a stack's folder."""
    if (home / MARKER).exists() or home.is_relative_to(_PROJECTS) or not home.exists():
        return
    found = [path.name for path in home.iterdir() if path.name != LOCK]
    if not found:
        return
    if all(name in found for name in _OLD_LAYOUT):
        raise FolderError(
            f"{home} looks like a stack of an earlier version, which did not mark its folder. If "
            f"`clean` may delete everything in it, run `touch '{home / MARKER}'` and try again."
        )
    raise FolderError(
        f"{home} has files that do not belong to a stack ({found[0]!r}): set VENTAS_HOME to an "
        "empty or a new folder."
    )


def _take(descriptor: int, file: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = file.read_text(encoding="utf-8") or "Another command"
        raise FolderError(
            f"{holder} is changing the stack in {file.parent}: wait until it ends."
        ) from None
    if not file.exists() or file.stat().st_ino != os.fstat(descriptor).st_ino:
        raise FolderError(f"Another command just removed {file.parent}: try again.")
