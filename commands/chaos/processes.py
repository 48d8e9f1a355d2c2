"""Kill or stop processes that may end at any moment."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import psutil


def kill(processes: Iterable[psutil.Process]) -> None:
    """SIGKILL the processes; skip those that have ended."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


@contextmanager
def stopped(processes: Iterable[psutil.Process]) -> Iterator[None]:
    """Stop the processes (SIGSTOP) during the block; skip those that have ended."""
    with ExitStack() as resuming:
        for process in processes:
            resuming.callback(_resume, process)
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        yield


def _resume(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.resume()
