"""`./ventas test`: lint, types, and the pytest suites, in the order of how soon they fail."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from include.stack.settings import ROOT
from include.stack.stack import StackError

#: Modules that a suite runs, with their arguments.
CHECKS = {
    "lint": (("ruff", "check", "."), ("ruff", "format", "--check", ".")),
    "types": (("mypy",),),
}
#: Each group is a pytest that runs beside the others: some need no services, and those that do
#: mostly wait for them.
GROUPS = (("unit", "dags", "recovery"), ("integration", "browser"), ("e2e",))
PYTEST_SUITES = tuple(suite for group in GROUPS for suite in group)

#: What a whole run on the secured stack is of, too.
END_TO_END = ("e2e", "recovery")

#: On a stack of its own, once the first group has ended.
SECURE = "secure"

NO_TESTS = 5
"""pytest's exit code if it found none to run."""

Wait = Callable[[], int]


def run_suites(suites: Sequence[str], expression: str | None) -> int:
    """Run the named suites, or all; returns the first failure's exit code.

    `secure` by its name is the end-to-end suites on a secured stack, and then a look for secrets in
    all that is left of it. Among all, it is a window on such a stack, and the look for secrets.

    Raises:
        StackError: a suite that does not exist.
    """
    known = (*CHECKS, *PYTEST_SUITES, SECURE)
    unknown = [suite for suite in suites if suite not in known]
    if unknown:
        raise StackError(f"There is no suite {unknown[0]!r}; there are: {', '.join(known)}.")
    wanted = suites or known
    for suite, commands in CHECKS.items():
        if suite in wanted:
            for command in commands:
                print(f"== {' '.join(command)}", flush=True)
                done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False)
                if done.returncode:
                    return done.returncode
    codes = []
    with ExitStack() as started:
        runs: list[Wait] = [
            started.enter_context(_pytest(names, expression, stack=stack, shown=shown))
            for stack, (names, shown) in enumerate(_together(wanted))
        ]
        if runs:
            codes.append(runs.pop(0)())
        if SECURE in wanted:
            folders = [*END_TO_END, SECURE] if SECURE in suites else [SECURE]
            secure = _pytest(folders, expression, stack=0, shown=not runs, secure=True)
            runs.insert(0, started.enter_context(secure))
        codes += [wait() for wait in reversed(runs)]
    # With an expression, one of two may well have no test of that name.
    return max([code for code in codes if code != NO_TESTS] or codes, default=0)


def _together(suites: Sequence[str]) -> list[tuple[list[str], bool]]:
    """The suites of each pytest, and whether it prints as it goes: the last does."""
    groups = [[suite for suite in group if suite in suites] for group in GROUPS]
    filled = [group for group in groups if group]
    return [(group, group is filled[-1]) for group in filled]


@contextmanager
def _pytest(
    suites: Sequence[str], expression: str | None, *, stack: int, shown: bool, secure: bool = False
) -> Iterator[Wait]:
    """Start pytest; gives what waits for it, prints what was not shown, and returns its code.

    `stack` is the number of the stack that it may use, as `tests/conftest.py` reads it.
    """
    command = [sys.executable, "-m", "pytest", *(f"tests/{suite}" for suite in suites)]
    command += ["--durations=10", *(("-k", expression) if expression else ())]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        stdout = None if shown else output
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={
                **os.environ,
                "VENTAS_SECURE": str(int(secure)),
                "VENTAS_TEST_STACK": str(stack),
            },
            stdout=stdout,
            stderr=stdout,
        )

        def wait() -> int:
            code = process.wait()
            output.seek(0)
            print(output.read(), end="", flush=True)
            return code

        try:
            yield wait
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
