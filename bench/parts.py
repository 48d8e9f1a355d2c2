"""The parts of the benchmark: what each runs, how much of it, and on which services."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import psutil

from bench.services import log_file, running
from include.stack.settings import ROOT, Settings
from include.stack.stack import StackError


class Part(NamedTuple):
    """One part."""

    name: str
    module: str
    text: str
    """What a person reads while it runs."""
    full: Sequence[str]
    """Arguments of its size."""
    quick: Sequence[str]
    kafka: bool = True
    druid: bool = False


PARTS: Final = {
    part.name: part
    for part in (
        Part(
            "generate",
            "bench.generate",
            "Generar ventas en un núcleo",
            ("--events", "2000000"),
            ("--events", "300000"),
            kafka=False,
        ),
        Part(
            "load",
            "bench.load",
            "Modo carga",
            ("--events", "2000000"),
            ("--events", "300000"),
        ),
        Part(
            "perf_test",
            "bench.perf_test",
            "producer-perf-test de Kafka",
            ("--events", "2000000"),
            ("--events", "300000"),
        ),
        Part(
            "faker",
            "bench.faker_producer",
            "Productor con Faker",
            ("--events", "20000"),
            ("--events", "5000"),
        ),
        Part(
            "druid",
            "bench.druid",
            "Kafka → Druid",
            ("--events", "1000000", "--seconds", "60"),
            ("--events", "200000", "--seconds", "20"),
            druid=True,
        ),
        Part(
            "cadence",
            "bench.cadence",
            "Cadencia de una venta cada 1–2 s",
            ("--sales", "500"),
            ("--sales", "30"),
        ),
    )
}
"""By name, in the order in which they run."""

_PATIENCE = 1800.0
"""Seconds that a part may take."""


def run_part(
    part: Part, settings: Settings, logs: Path, *, size: Sequence[str], addresses: Sequence[str]
) -> dict[str, Any]:
    """Run a part in a process of its own and return what it reports.

    `settings` are those of the benchmark's own services, `logs` the folder that outlives them. What
    is reported gains `steal_pct`: how much of the processors' time the machine's host took away.

    Raises `StackError` with the part's last words and the name of its log.
    """
    log = log_file(logs, part.name)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        # What an interrupted part leaves behind goes with the services' folder.
        "TMPDIR": str(settings.home),
    }
    command = [sys.executable, "-m", part.module, *size, *addresses]
    before = psutil.cpu_times()
    with running(command, log, stdout=subprocess.PIPE, environment=environment) as process:
        try:
            said, _ = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            raise StackError(
                f"The part {part.name} did not end within {_PATIENCE:.0f} s; its log: {log}"
            ) from None
    if process.returncode:
        words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise StackError(
            f"The part {part.name} failed ({words[-1] if words else process.returncode}); "
            f"its log: {log}"
        )
    reported: dict[str, Any] = json.loads(said.splitlines()[-1])
    return {**reported, "steal_pct": _steal_pct(before, psutil.cpu_times())}


def _steal_pct(before: Any, after: Any) -> float:
    """Share of the processors' time that others had between two `psutil.cpu_times`."""
    passed = sum(after) - sum(before)
    # Not every system counts it.
    stolen = getattr(after, "steal", 0.0) - getattr(before, "steal", 0.0)
    return round(100 * stolen / passed, 1) if passed else 0.0
