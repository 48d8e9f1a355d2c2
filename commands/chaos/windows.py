"""The Airflow windows that sell during the rounds, one after the other."""

import time
from datetime import datetime
from typing import NamedTuple

from commands.chaos.lab import ChaosError, Lab, now
from commands.chaos.producer import source_of
from commands.chaos.verify import Verdict, verify

_CLOSING = 900.0
"""Seconds to wait for the end of a window, its reconciliation included."""


class _Open(NamedTuple):
    run: str
    since: datetime
    ends: float
    scenarios: list[str]


class Windows:
    """Opens a window when none stays open for long enough, and verifies each at its end."""

    def __init__(self, lab: Lab, length: float) -> None:
        """Use windows of `length` seconds, or longer ones if a round takes longer."""
        self._lab = lab
        self._length = length
        self._open: _Open | None = None
        self.verdicts: list[Verdict] = []
        """Verdicts of the ended windows; the caller removes those that it has counted."""

    def selling(self, seconds: float, scenario: str) -> str:
        """Return the run of a window that sells for at least `seconds` more.

        Args:
            seconds: how long the window must still sell.
            scenario: name of the scenario that runs meanwhile, for the message of an error.

        Raises:
            ChaosError: the previous window ended, but not with success.
        """
        if self._open is None or time.time() + seconds > self._open.ends:
            self.close()
            length = max(seconds + 30, self._length)
            since = now()
            run = self._lab.open_window(length / 60)
            self._open = _Open(run, since, time.time() + length, [])
        if scenario not in self._open.scenarios:
            self._open.scenarios.append(scenario)
        return self._open.run

    def close(self) -> None:
        """Wait for the end of the window, which reconciles itself, and verify it here as well."""
        if self._open is None:
            return
        window, self._open = self._open, None
        state = self._lab.end_of(window.run, _CLOSING)
        self.verdicts.append(verify(self._lab.settings, source_of(window.run), window.since))
        if state != "success":
            scenarios = ", ".join(window.scenarios)
            raise ChaosError(
                f"the window {window.run} ended as {state}; scenarios meanwhile: {scenarios}"
            )
