"""Kill or stop processes that may end at any moment, and run others like them."""

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Self

import psutil


class Command(NamedTuple):
    """How a process was started: its arguments, its environment, its working folder."""

    arguments: list[str]
    variables: Mapping[str, str]
    folder: str

    @classmethod
    def of(cls, process: psutil.Process) -> Self:
        """Return the command of a process that runs."""
        return cls(process.cmdline(), process.environ(), process.cwd())

    @contextmanager
    def running(self, log: Path) -> Iterator[None]:
        """Run this command during the block, then SIGKILL it; its output is appended to `log`."""
        with log.open("ab") as output:
            process = subprocess.Popen(
                self.arguments,
                env=self.variables,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            yield
        finally:
            process.kill()
            process.wait()


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
