"""Run `./ventas test` in fresh clones of the last commit, as people with other machines would.

    python -m tests.proof.clones                       # ten runs: see CONDITIONS
    python -m tests.proof.clones busy busy --suites quick

Prints a row of a Markdown table for each run: its condition, result, minutes, and the most memory
(PSS) that all its processes had at once; writes each suite's tests, failures and seconds to
`record.csv` in the folder of the clones. Two may run beside each other, with a VENTAS_PORT_OFFSET
each.
"""

from __future__ import annotations

import argparse
import csv
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

import psutil

from commands.test.junit import read_outcomes
from include.stack.settings import ROOT
from tests.support import postgres

#: In bytes; a laptop's.
LAPTOP: Final = 8 * 2**30

#: The account of the run whose user is not root.
OTHER_USER: Final = "nobody"


class Condition(NamedTuple):
    """What differs from a developer's own machine; `says` goes to the table."""

    says: str
    folder: str = "clone"
    busy: bool = False
    limited: bool = False
    """In a memory cgroup of `LAPTOP` bytes."""
    other_user: bool = False
    bare: bool = False
    """LANG=C, and a new HOME without any cache."""
    postgres: bool = False
    """Airflow's database is on a PostgreSQL server, with its usual fsync."""


CONDITIONS: Final = {
    "plain": Condition("alone"),
    "busy": Condition("every core kept busy by a process of its own", busy=True),
    "laptop": Condition("memory cgroup of 8 GiB", limited=True),
    "space": Condition("a path with a space", folder="a clone"),
    "user": Condition("a user who is not root", other_user=True),
    "bare": Condition("LANG=C, a new HOME without caches", bare=True),
    "postgres": Condition("Airflow's database is PostgreSQL", postgres=True),
}
TEN: Final = ("plain", "busy", "laptop", "space", "user", "bare", "busy", "plain", "busy", "plain")


def main() -> int:
    """Run under each condition; return 1 if any run failed."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.proof.clones",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "conditions", nargs="*", type=_condition, help=f"of {', '.join(CONDITIONS)} (default: ten)"
    )
    parser.add_argument("--suites", nargs="*", default=[], help="as for `./ventas test`")
    parser.add_argument("--folder", type=Path, help="where to clone to (default: a new one)")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="ventas-clones-"))
    print("| condition | result | minutes | PSS at the peak, GiB |\n|---|---|---|---|", flush=True)
    failed = False
    conditions = options.conditions or [CONDITIONS[name] for name in TEN]
    for number, condition in enumerate(conditions, 1):
        failed |= not one_run(number, condition, folder / f"{number}", options.suites)
    return int(failed)


def _condition(name: str) -> Condition:
    if name not in CONDITIONS:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(CONDITIONS)}")
    return CONDITIONS[name]


def one_run(number: int, condition: Condition, folder: Path, suites: list[str]) -> bool:
    """Clone, test, print the row; return whether it passed. The clone of a failure is kept."""
    folder.mkdir(parents=True)
    clone, home = folder / condition.folder, folder / "home"
    home.mkdir()
    subprocess.run(["git", "clone", "--quiet", f"file://{ROOT}", str(clone)], check=True)
    began = time.monotonic()
    with (
        (folder / "output.log").open("w") as output,
        _busy(condition),
        _postgres(condition, folder) as database,
        _cgroup(condition) as join,
    ):
        process = subprocess.Popen(
            [*_user(condition, folder), "./ventas", "test", *suites],
            cwd=clone,
            env=_environment(condition, home) | database,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=join,
        )
        peak = _watch(process, clone)
    passed: bool = process.returncode == 0
    minutes = (time.monotonic() - began) / 60
    result = "passed" if passed else f"FAILED ({folder})"
    print(f"| {condition.says} | {result} | {minutes:.1f} | {peak / 2**30:.1f} |", flush=True)
    _record(number, condition, clone, folder.parent / "record.csv")
    if passed:
        shutil.rmtree(clone)
    return passed


def _user(condition: Condition, folder: Path) -> list[str]:
    if not condition.other_user:
        return []
    subprocess.run(["chown", "-R", OTHER_USER, str(folder)], check=True)
    folder.parent.chmod(0o755)
    return ["setpriv", f"--reuid={OTHER_USER}", "--regid=nogroup", "--clear-groups"]


def _environment(condition: Condition, home: Path) -> dict[str, str]:
    # With ports of its own, this may run beside another one.
    environment = {
        name: value
        for name, value in os.environ.items()
        if name == "VENTAS_PORT_OFFSET" or not name.startswith(("VENTAS_", "PYTHON"))
    }
    if condition.bare:
        environment |= {"LANG": "C", "LC_ALL": "C", "HOME": str(home)}
        environment.pop("XDG_CACHE_HOME", None)
    if condition.other_user:
        # Root's own Python may be where nobody else may look.
        environment |= {"HOME": str(home), "PYTHON": "/usr/bin/python3", "PATH": "/usr/bin:/bin"}
    return environment


@contextmanager
def _busy(condition: Condition) -> Iterator[None]:
    if not condition.busy:
        yield
        return
    command = [sys.executable, "-m", "tests.proof.busy", "--seconds", "3600"]
    busy = subprocess.Popen(command, cwd=ROOT)
    try:
        yield
    finally:
        for process in psutil.Process(busy.pid).children():
            process.kill()
        busy.kill()
        busy.wait()


@contextmanager
def _postgres(condition: Condition, folder: Path) -> Iterator[dict[str, str]]:
    """Run the server, and give the variable that names it."""
    if not condition.postgres:
        yield {}
        return
    files = folder / "postgres"
    files.mkdir()
    # The account of the server must be able to enter its folder.
    folder.parent.chmod(0o755)
    password = secrets.token_urlsafe()
    with postgres.running(files, password) as port:
        server = f"postgresql://{postgres.USER}:{password}@127.0.0.1:{port}"
        yield {"VENTAS_AIRFLOW_DATABASE": server}


@contextmanager
def _cgroup(condition: Condition) -> Iterator[Callable[[], object] | None]:
    """Give what moves a new process into a memory cgroup of its own (version 1 or 2; as root)."""
    if not condition.limited:
        yield None
        return
    mount = Path("/sys/fs/cgroup")
    old = (mount / "memory").is_dir()
    group = mount / ("memory/ventas-proof" if old else "ventas-proof")
    group.mkdir(exist_ok=True)
    (group / ("memory.limit_in_bytes" if old else "memory.max")).write_text(str(LAPTOP))
    try:
        yield lambda: (group / "cgroup.procs").write_text(str(os.getpid()))
    finally:
        with suppress(OSError):  # as long as a process of it ends
            group.rmdir()


def _watch(process: subprocess.Popen[bytes], clone: Path) -> int:
    """Wait for the end; return the most bytes (PSS) that all processes of the run had at once."""
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(_pss, _processes_of(process.pid, clone))))
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
    return peak


def _processes_of(pid: int, clone: Path) -> list[psutil.Process]:
    """The processes below the run, and the stack's daemons, which name the clone."""
    found: dict[int, psutil.Process] = {}
    with suppress(psutil.NoSuchProcess):
        run = psutil.Process(pid)
        found = {process.pid: process for process in [run, *run.children(recursive=True)]}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if str(clone) in " ".join([*process.cmdline(), process.cwd()]):
                found[process.pid] = process
    return list(found.values())


def _pss(process: psutil.Process) -> int:
    with suppress(psutil.Error, OSError):
        return int(process.memory_full_info().pss)
    return 0


def _record(number: int, condition: Condition, clone: Path, record: Path) -> None:
    new = not record.exists()
    with record.open("a", newline="") as file:
        rows = csv.writer(file)
        if new:
            rows.writerow(["run", "condition", "suite", "tests", "failed", "skipped", "seconds"])
        for results in sorted((clone / ".ventas" / "test-results").glob("*.xml")):
            for suite, outcome in read_outcomes(results).items():
                rows.writerow([number, condition.says, suite, *outcome])


if __name__ == "__main__":
    sys.exit(main())
