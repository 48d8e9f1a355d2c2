"""Small disks that a harm can fill up. They are in memory, and root mounts them."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from include.stack import stack

FILLER = "filler"
"""Name of the file that fills a disk up."""


@contextmanager
def small_disk(folder: Path, mib: int) -> Iterator[None]:
    """Make the folder, and let it be a disk of `mib` MiB during the block.

    Raises:
        StackError: the disk cannot be mounted.
    """
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        output = getattr(error, "stderr", "") or error
        raise stack.StackError(
            f"A disk to fill up must be mounted, which failed ({str(output).strip()}): run as "
            "root, or choose scenarios and schedules in which no disk is full."
        ) from error
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Take all space that is free on the disk, and give it back at the end of the block.

    Raises:
        StackError: the folder is not a disk of its own, so the machine's disk would be filled.
    """
    if not disk.is_mount():
        raise stack.StackError(f"{disk} is not a disk of its own: it is not filled up.")
    filler = disk / FILLER
    try:
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(1 << 20))
        yield
    finally:
        filler.unlink(missing_ok=True)
