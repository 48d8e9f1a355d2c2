"""`./ventas test`: run the suites, show their progress, and name the files of a failure.

Suites run in parallel lanes: the type checker, the suites without a stack on every core that a
stack leaves, and the suites on a stack, one after the other. Each run of pytest writes its output
to a file; its progress goes to the terminal.
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

from commands.test.free_resources import Free, free
from commands.test.junit import Outcome, read_outcomes
from commands.test.suites import DEFAULT, END_TO_END, SECOND_STACK, SELECTIONS, SUITES, need
from include.stack.settings import ROOT
from include.stack.stack import StackError
from include.texts import terminal_text

LINT: Final = (("ruff", "check", "."), ("ruff", "format", "--check", "."))

#: Cores and memory from which a second stack makes the run faster.
CORES_OF_TWO_STACKS: Final = 4
GIB_OF_TWO_STACKS: Final = 12.0

#: A duplicate of standard output for the progress, which tests cannot capture.
_TERMINAL: Final = os.dup(1)
_POLL: Final = 0.1

#: Niceness of the runs without a stack. The stack's lane takes longest, so it gets the larger share
#: of the cores. With 10, other work on the machine would leave them a tenth of a core.
_ASIDE: Final = 5

#: pytest's exit code for "no tests collected".
NO_TESTS: Final = 5


class Run(NamedTuple):
    """One process of a lane: the type checker, or a pytest with the suites it runs."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = {}
    niceness: int = 0
    """As for `nice`, relative to this process."""


def chosen(names: Sequence[str]) -> tuple[str, ...]:
    """Return the suites of these names of suites and selections, in the order of `SUITES`.

    Raises:
        StackError: a name is neither a suite nor a selection.
    """
    known = (*SELECTIONS, *SUITES)
    if unknown := [name for name in names if name not in known]:
        raise StackError(
            f"No suite has the name {unknown[0]!r}; the suites are {', '.join(known)}."
        )
    wanted = {suite for name in names for suite in SELECTIONS.get(name, (name,))} or set(DEFAULT)
    return tuple(suite for suite in SUITES if suite in wanted)


def stacks_for(free: Free) -> int:
    """Return how many stacks to run at once with these free resources."""
    enough = free.cores >= CORES_OF_TWO_STACKS and free.memory_gib >= GIB_OF_TWO_STACKS
    return 2 if enough else 1


def run_suites(
    names: Sequence[str], expression: str | None, home: Path, stacks: int | None = None
) -> int:
    """Run the named suites, or the default ones; return 0 or the exit code of a failed run.

    Args:
        names: suites and selections; empty for the default ones.
        expression: pytest's `-k`.
        home: folder whose subfolders get the output, JUnit files and screenshots.
        stacks: stacks at once, 1 or 2; None decides by the machine's free resources.

    Raises:
        StackError: a suite does not exist, or there is too little free memory or disk.
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
    _print_results(codes, folder, home, monotonic() - began)
    # With -k, a run without a matching test is no failure, unless no run has one.
    return max([code for code in codes.values() if code != NO_TESTS] or codes.values(), default=0)


def _check_machine(suites: Sequence[str], free: Free, stacks: int | None) -> int:
    needed = need(suites)
    number = stacks or stacks_for(free)
    needs_text = terminal_text(
        "cli.test.needs",
        suites=", ".join(suites),
        minutes=f"{needed.minutes:.0f}",
        memory=f"{needed.memory_gib:.0f}",
        free_memory=f"{free.memory_gib:.1f}",
        disk=f"{needed.disk_gib:.1f}",
        free_disk=f"{free.disk_gib:.0f}",
        stacks=number,
        cores=free.cores,
        cores_of_two=CORES_OF_TWO_STACKS,
        memory_of_two=f"{GIB_OF_TWO_STACKS:.0f}",
    )
    print(needs_text, flush=True)
    for what, has, needs in (
        ("memory", free.memory_gib, needed.memory_gib),
        ("disk", free.disk_gib, needed.disk_gib),
    ):
        if has < needs:
            raise StackError(
                f"The tests need {needs:.1f} GiB of free {what}, but only {has:.1f} GiB are free: "
                "free some, or run fewer suites, such as `./ventas test quick`."
            )
    return number


def lanes_of(
    suites: Sequence[str], expression: str | None, folder: Path, stacks: int, temporary: Path
) -> list[list[Run]]:
    """Return the lanes, which run in parallel; the runs of a lane run one after the other.

    JUnit files go to `folder`, and the temporary files of tests without services to `temporary`.
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
    without_stack: list[Run] = []
    if cores := of("cores"):
        # The stack's suites need a core too. A single worker would only add a process to pytest's.
        workers = (os.cpu_count() or 1) - (1 if of("stack") else 0)
        parallel = ("-n", str(workers) if workers > 1 else "0", "--dist", "loadfile")
        # In pytest's default folder, a worker's paths would be too long for a unix socket.
        options = (*parallel, f"--basetemp={temporary / 't'}")
        without_stack.append(pytest("cores", cores, *options))
    if broker := of("broker"):
        without_stack.append(pytest("broker", broker))
    lanes.append([run._replace(niceness=_ASIDE) for run in without_stack])
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
    """Run the lanes in parallel; return the exit code of each run by its name."""
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
    """Start a run with its output in a file; if it still runs at the context's end, end it."""
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


def _print_results(codes: Mapping[str, int], folder: Path, home: Path, seconds: float) -> None:
    """Print the output of failed runs, a line per suite, and the folders to look at."""
    failed = [name for name, code in codes.items() if code not in (0, NO_TESTS)]
    for name in failed:
        log = folder / f"{name}.log"
        print(f"\n== {terminal_text('cli.test.run_failed', run=name, log=log)}")
        print(log.read_text(encoding="utf-8", errors="replace"), end="")
    outcomes = [found for name in codes for found in read_outcomes(folder / f"{name}.xml").items()]
    for suite, outcome in outcomes:
        counts, seconds_of_tests = _counts([outcome]), f"{outcome.seconds:.0f}"
        values = {"suite": f"{suite:<12}", "counts": counts, "seconds": seconds_of_tests}
        print(terminal_text("cli.test.suite", **values))
    print(_counts([outcome for _, outcome in outcomes]))
    if failed:
        runs = ", ".join(failed)
        print(f"\n{terminal_text('cli.test.where', runs=runs, folder=folder, home=home)}")
    key = "cli.test.failed" if failed else "cli.test.passed"
    print(terminal_text(key, minutes=f"{seconds / 60:.1f}"), flush=True)


def _counts(outcomes: Sequence[Outcome]) -> str:
    tests, failed, skipped = (
        sum(getattr(outcome, field) for outcome in outcomes)
        for field in ("tests", "failed", "skipped")
    )
    passed = tests - failed - skipped
    return terminal_text("cli.test.counts", passed=passed, failed=failed, skipped=skipped)
