"""The parts of the benchmark: the module of each, its size, and the services that it needs."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import psutil

from include.stack.settings import ROOT, Settings
from include.stack.stack import StackError
from include.stack.temporary import log_file, running
from include.texts import terminal_text


class Part(NamedTuple):
    """A part of the benchmark."""

    name: str
    module: str
    full: Sequence[str]
    """Arguments of the full size."""
    quick: Sequence[str]
    """Arguments of the quick size."""
    kafka: bool = True
    druid: bool = False

    @property
    def title(self) -> str:
        return terminal_text(f"cli.bench.parts.{self.name}")


PARTS: Final = {
    part.name: part
    for part in (
        Part(
            "generate",
            "commands.bench.generate",
            ("--events", "2000000"),
            ("--events", "300000"),
            kafka=False,
        ),
        Part(
            "load",
            "commands.bench.load",
            ("--events", "2000000"),
            ("--events", "300000"),
        ),
        Part(
            "perf_test",
            "commands.bench.perf_test",
            ("--events", "2000000"),
            ("--events", "300000"),
        ),
        Part(
            "faker",
            "commands.bench.faker_producer",
            ("--events", "20000"),
            ("--events", "5000"),
        ),
        Part(
            "druid",
            "commands.bench.druid",
            ("--events", "1000000", "--seconds", "60"),
            ("--events", "200000", "--seconds", "20"),
            druid=True,
        ),
        Part(
            "cadence",
            "commands.bench.cadence",
            ("--sales", "500"),
            ("--sales", "30"),
        ),
    )
}
"""Parts by name, in the order in which they run."""

_PATIENCE = 1800.0
"""Seconds after which a part counts as failed."""


def run_part(
    part: Part, settings: Settings, logs: Path, *, size: Sequence[str], addresses: Sequence[str]
) -> dict[str, Any]:
    """Run a part in a separate process and return its report.

    The report also gets `steal_pct`: the percentage of CPU time that the machine's host took away.

    Args:
        part: the part.
        settings: settings of the benchmark's own services.
        logs: folder for the part's log; it stays after the benchmark.
        size: the part's arguments for its size.
        addresses: the part's arguments for the addresses of its services.

    Raises:
        StackError: the part failed or took too long; the message names its log.
    """
    log = log_file(logs, part.name)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        # An interrupted part's temporary files are removed together with this folder.
        "TMPDIR": str(settings.home),
    }
    command = [sys.executable, "-m", part.module, *size, *addresses]
    before = psutil.cpu_times()
    with running(command, log, stdout=subprocess.PIPE, environment=environment) as process:
        try:
            output, _ = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            raise StackError(
                f"The part {part.name} did not end within {_PATIENCE:.0f} s: see {log}"
            ) from None
    if process.returncode:
        words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise StackError(
            f"The part {part.name} failed ({words[-1] if words else process.returncode}): see {log}"
        )
    reported: dict[str, Any] = json.loads(output.splitlines()[-1])
    return {**reported, "steal_pct": _steal_pct(before, psutil.cpu_times())}


def _steal_pct(before: Any, after: Any) -> float:
    """Return the percentage of CPU time stolen by the host between two `psutil.cpu_times`."""
    passed = sum(after) - sum(before)
    # Not every system has this counter.
    stolen = getattr(after, "steal", 0.0) - getattr(before, "steal", 0.0)
    return round(100 * stolen / passed, 1) if passed else 0.0
