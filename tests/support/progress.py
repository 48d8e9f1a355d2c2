"""A pytest plugin for `./ventas test` that shows the progress of each suite on the terminal.

`VENTAS_TEST_PROGRESS` is the number of the file descriptor to write to; the output of pytest goes
to a file.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import pytest

from commands.test.suites import SUITES

#: Least seconds between two lines, except at the end of a suite.
EVERY = 15.0

#: Seconds of usual work before the first test, while the stack starts.
HEAD_START = 60.0


class Progress:
    """Counts the tests that have ended and estimates the minutes that are left.

    The estimate is the usual seconds of each suite times the share of its tests that has not ended,
    scaled by the speed of this run so far.
    """

    def __init__(
        self, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._clock = clock
        self._began = self._told = clock()
        self._all: Counter[str] = Counter()
        self._ended: Counter[str] = Counter()

    def collected(self, tests: Iterable[str]) -> None:
        """Set the ids of all tests that will run."""
        self._all = Counter(map(suite_of, tests))

    def ended(self, test: str) -> None:
        """Count a test that has ended; write a line every `EVERY` seconds and at a suite's end."""
        suite = suite_of(test)
        self._ended[suite] += 1
        now = self._clock()
        if self._ended[suite] < self._all[suite] and now - self._told < EVERY:
            return
        self._told = now
        self._write(
            f"{suite}: test {self._ended[suite]} of {self._all[suite]}, "
            f"about {self.minutes_left():.1f} min left\n"
        )

    def minutes_left(self) -> float:
        """Return the estimate for this run of pytest."""
        done = sum(self._usual(suite, self._ended[suite]) for suite in self._all)
        left = sum(self._usual(suite, self._all[suite] - self._ended[suite]) for suite in self._all)
        return left / 60 * (self._clock() - self._began + HEAD_START) / (done + HEAD_START)

    def _usual(self, suite: str, tests: int) -> float:
        return SUITES[suite].seconds * tests / self._all[suite]


def suite_of(test: str) -> str:
    """Return the suite of a test's id: `unit` of `tests/unit/test_x.py::test_y`."""
    return test.split("/")[1]


class Hooks:
    """pytest's hooks, in a process without workers or in the controller of pytest-xdist."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count the collected tests of a process without workers."""
        if session.items:
            self._progress.collected(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Count the tests of a worker; all workers collect the same tests."""
        self._progress.collected(ids)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Count a test that has ended, here or on a worker."""
        self._progress.ended(nodeid)


def pytest_configure(config: pytest.Config) -> None:
    """Register the hooks if there is a descriptor; not on a worker, whose controller counts."""
    descriptor = os.environ.get("VENTAS_TEST_PROGRESS")
    if descriptor and not hasattr(config, "workerinput"):
        number = int(descriptor)
        config.pluginmanager.register(Hooks(Progress(lambda text: _write(number, text))))


def _write(descriptor: int, text: str) -> None:
    os.write(descriptor, text.encode())
