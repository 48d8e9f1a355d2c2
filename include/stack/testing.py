"""`./ventas test`: lint, types, and the pytest suites, in the order of how soon they fail."""

import os
import subprocess
import sys
from collections.abc import Sequence

from include.stack.settings import ROOT
from include.stack.stack import StackError

#: Modules that a suite runs, with their arguments.
CHECKS = {
    "lint": (("ruff", "check", "."), ("ruff", "format", "--check", ".")),
    "types": (("mypy",),),
}
PYTEST_SUITES = ("unit", "dags", "integration", "e2e", "browser")


def run_suites(suites: Sequence[str], expression: str | None) -> int:
    """Run the named suites, or all; returns the first failure's exit code.

    Raises:
        StackError: a suite that does not exist.
    """
    known = (*CHECKS, *PYTEST_SUITES)
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
    folders = [f"tests/{suite}" for suite in PYTEST_SUITES if suite in wanted]
    if not folders:
        return 0
    pytest = [sys.executable, "-m", "pytest", *folders, "--durations=10"]
    if expression:
        pytest += ["-k", expression]
    return subprocess.run(pytest, cwd=ROOT, env=os.environ, check=False).returncode
