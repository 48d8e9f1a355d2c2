"""`./ventas test`: run the suites, tell how far they are, and say where a failure's traces are.

Suites run in lanes beside each other: the type checker, the suites without services on every core,
and the suites on a stack, one after the other. Each run of pytest writes to a file of its own; its
progress goes to the terminal.
"""

import os
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Final, NamedTuple

from include.stack.junit import Outcome, read_outcomes
from include.stack.machine import Free, free
from include.stack.settings import ROOT
from include.stack.stack import StackError
from include.stack.suites import DEFAULT, END_TO_END, SECOND_STACK, SELECTIONS, SUITES, need

LINT: Final = (("ruff", "check", "."), ("ruff", "format", "--check", "."))

#: A second stack pays off only where it does not take the first one's cores and memory.
CORES_OF_TWO_STACKS: Final = 4
GIB_OF_TWO_STACKS: Final = 12.0

#: A copy of the terminal, which tests cannot take the place of.
_TERMINAL: Final = os.dup(1)
_POLL: Final = 0.1

#: Niceness of what runs beside the stack, which takes longest: the whole is over sooner.
_ASIDE: Final = 10

#: pytest's exit code if it found no test to run.
NO_TESTS: Final = 5


class Run(NamedTuple):
    """One process of a lane: the type checker, or a pytest with the suites it runs."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = {}
    niceness: int = 0
    """How much it lets the others go first, as for `nice`."""


def chosen(names: Sequence[str]) -> tuple[str, ...]:
    """Return the suites that are meant by names of suites and selections, in their order.

    Raises:
        StackError: a name that is neither.
    """
    known = (*SELECTIONS, *SUITES)
    if unknown := [name for name in names if name not in known]:
        raise StackError(f"There is no suite {unknown[0]!r}; there are: {', '.join(known)}.")
    wanted = {suite for name in names for suite in SELECTIONS.get(name, (name,))} or set(DEFAULT)
    return tuple(suite for suite in SUITES if suite in wanted)


def stacks_for(free: Free) -> int:
    """Return how many stacks may run at once on this machine."""
    enough = free.cores >= CORES_OF_TWO_STACKS and free.memory_gib >= GIB_OF_TWO_STACKS
    return 2 if enough else 1


def run_suites(
    names: Sequence[str], expression: str | None, home: Path, stacks: int | None = None
) -> int:
    """Run the named suites, or those of a contributor; return the first failure's exit code.

    `expression` is pytest's `-k`. Output, JUnit files and pictures go to folders of `home`.
    `stacks`, 1 or 2, overrides what the machine seems fit for.

    Raises:
        StackError: a suite that does not exist, or too little free memory or disk.
    """
    suites = chosen(names)
    folder = home / "test-results"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    number = _check_machine(suites, free(folder), stacks)
    if "lint" in suites:
        for command in LINT:
            done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False)
            if done.returncode:
                return done.returncode
    began = monotonic()
    with tempfile.TemporaryDirectory(prefix="v-") as temporary:
        lanes = lanes_of(suites, expression, folder, number, Path(temporary))
        codes = _run_lanes(lanes, folder)
    _say_results(codes, folder, home, monotonic() - began)
    # With -k, some runs may well have no test of that name.
    return max([code for code in codes.values() if code != NO_TESTS] or codes.values(), default=0)


def _check_machine(suites: Sequence[str], free: Free, stacks: int | None) -> int:
    needed = need(suites)
    number = stacks or stacks_for(free)
    print(
        f"{', '.join(suites)}: about {needed.minutes:.0f} min on 2 cores, "
        f"{needed.memory_gib:.0f} GiB of memory ({free.memory_gib:.1f} free) and "
        f"{needed.disk_gib:.1f} GiB of disk ({free.disk_gib:.0f} free). "
        f"Stacks at once: {number} ({free.cores} cores; a second one takes "
        f"{CORES_OF_TWO_STACKS} cores and {GIB_OF_TWO_STACKS:.0f} GiB, or --stacks 2).",
        flush=True,
    )
    for what, has, needs in (
        ("memory", free.memory_gib, needed.memory_gib),
        ("disk", free.disk_gib, needed.disk_gib),
    ):
        if has < needs:
            raise StackError(
                f"The tests need {needs:.1f} GiB of free {what} and there are {has:.1f}: free "
                "some, or run fewer suites, such as `./ventas test quick`."
            )
    return number


def lanes_of(
    suites: Sequence[str], expression: str | None, folder: Path, stacks: int, temporary: Path
) -> list[list[Run]]:
    """Return what runs beside each other, each lane a list of runs one after the other.

    JUnit files go to `folder`, the files of tests without services to `temporary`.
    """

    def of(*kinds: str) -> tuple[str, ...]:
        return tuple(suite for suite in suites if SUITES[suite].kind in kinds)

    def pytest(
        name: str, its: Sequence[str], *options: str, stack: int = 0, secure: int = 0
    ) -> Run:
        command = [sys.executable, "-m", "pytest", *(f"tests/{suite}" for suite in its)]
        command += ["-p", "tests.support.progress", "--durations=15", *options]
        command += [f"--junitxml={folder / name}.xml", *(("-k", expression) if expression else ())]
        environment = {"VENTAS_SECURE": str(secure), "VENTAS_TEST_STACK": str(stack)}
        return Run(name, tuple(command), environment)

    lanes: list[list[Run]] = []
    if "types" in suites:
        lanes.append([Run("types", (sys.executable, "-m", "mypy"), niceness=_ASIDE)])
    if cores := of("cores"):
        workers = str(os.cpu_count() or 1)
        # Below pytest's own folder, a worker's paths are too long for a stack's unix socket.
        options = ("-n", workers, "--dist", "loadfile", f"--basetemp={temporary / 't'}")
        lanes.append([pytest("cores", cores, *options)._replace(niceness=_ASIDE)])
    second = tuple(suite for suite in of("stack") if stacks > 1 and suite in SECOND_STACK)
    first = tuple(suite for suite in of("stack") if suite not in second)
    one_after_the_other = [
        *([pytest("stack", first)] if first else []),
        *([pytest("secure", (*END_TO_END, "secure"), secure=1)] if of("secure") else []),
        *([pytest("apart", of("apart"))] if of("apart") else []),
    ]
    lanes += [one_after_the_other, [pytest("stack1", second, stack=1)] if second else []]
    return [lane for lane in lanes if lane]


def _run_lanes(lanes: Sequence[Sequence[Run]], folder: Path) -> dict[str, int]:
    """Run the lanes beside each other; return the exit code of each run."""
    codes: dict[str, int] = {}
    waiting = [deque(lane) for lane in lanes]
    running: list[tuple[Run, subprocess.Popen[bytes]] | None] = [None for _ in lanes]
    with ExitStack() as started:
        while any(waiting) or any(running):
            for number, lane in enumerate(waiting):
                current = running[number]
                if current and (code := current[1].poll()) is not None:
                    codes[current[0].name] = code
                    running[number] = current = None
                if lane and not current:
                    run = lane.popleft()
                    running[number] = (run, started.enter_context(_started(run, folder)))
            sleep(_POLL)
    return codes


@contextmanager
def _started(run: Run, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a run, whose output goes to a file; end it, where it goes on, at the context's end."""
    with (folder / f"{run.name}.log").open("wb") as output:
        process = subprocess.Popen(
            run.command,
            cwd=ROOT,
            env={**os.environ, **run.environment, "VENTAS_TEST_PROGRESS": str(_TERMINAL)},
            stdout=output,
            stderr=output,
            pass_fds=[_TERMINAL],
        )
        own = os.getpriority(os.PRIO_PROCESS, 0)
        os.setpriority(os.PRIO_PROCESS, process.pid, own + run.niceness)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()


def _say_results(codes: Mapping[str, int], folder: Path, home: Path, seconds: float) -> None:
    """Print the output of what failed, a line for each suite, and where the traces are."""
    failed = [name for name, code in codes.items() if code not in (0, NO_TESTS)]
    for name in failed:
        print(f"\n== {name} failed: {folder / name}.log")
        print((folder / f"{name}.log").read_text(encoding="utf-8", errors="replace"), end="")
    outcomes = [found for name in codes for found in read_outcomes(folder / f"{name}.xml").items()]
    for suite, outcome in outcomes:
        print(f"{suite:<12} {_counts([outcome])}, {outcome.seconds:.0f} s of tests")
    print(_counts([outcome for _, outcome in outcomes]))
    if failed:
        print(
            f"\nFailed: {', '.join(failed)}. Output and JUnit files: {folder}; logs of the stack: "
            f"{home}/test*/logs; pictures of the browser: {home}/screenshots."
        )
    print(f"{'Failed' if failed else 'Passed'} in {seconds / 60:.1f} min.", flush=True)


def _counts(outcomes: Sequence[Outcome]) -> str:
    tests, failed, skipped = (
        sum(getattr(outcome, field) for outcome in outcomes)
        for field in ("tests", "failed", "skipped")
    )
    return f"{tests - failed - skipped} passed, {failed} failed, {skipped} skipped"
