"""The Airflow windows that sell beside the rounds, one after the other."""

import time
from datetime import datetime
from typing import NamedTuple

from chaos.lab import ChaosError, Lab, now
from chaos.producer import source_of
from chaos.verify import Verdict, verify

_CLOSING = 900.0
"""Seconds that the rest of a window and its end may take."""


class _Open(NamedTuple):
    run: str
    since: datetime
    ends: float
    beside: list[str]


class Windows:
    """Opens a window when none sells for long enough, and judges each at its end."""

    def __init__(self, lab: Lab, length: float) -> None:
        """`length`: seconds that a window sells, unless a round takes longer."""
        self._lab = lab
        self._length = length
        self._open: _Open | None = None
        self.verdicts: list[Verdict] = []
        """What became of the windows that have ended and were not asked for yet."""

    def selling(self, seconds: float, beside: str) -> str:
        """Give the run of a window that still sells for so long, beside a scenario.

        Raises:
            ChaosError: the window before did not end as a success.
        """
        if self._open is None or time.time() + seconds > self._open.ends:
            self.close()
            length = max(seconds + 30, self._length)
            since = now()
            run = self._lab.open_window(length / 60)
            self._open = _Open(run, since, time.time() + length, [])
        if beside not in self._open.beside:
            self._open.beside.append(beside)
        return self._open.run

    def close(self) -> None:
        """Wait for the end of the window, which reconciles it, and compare it here as well."""
        if self._open is None:
            return
        window, self._open = self._open, None
        state = self._lab.end_of(window.run, _CLOSING)
        self.verdicts.append(verify(self._lab.settings, source_of(window.run), window.since))
        if state != "success":
            beside = ", ".join(window.beside)
            raise ChaosError(f"the window {window.run}, beside {beside}, ended as {state}")
