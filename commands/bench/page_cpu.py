"""Processor time of the page's stack by kind of process, and how much of it a look takes."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, NamedTuple, TypeVar

import psutil

from include.stack import supervision
from include.stack.settings import Settings

ANSWERING: Final = ("api-server", "router", "broker", "historical", "indexer")
"""Kinds of processes that answer a look, from the browser to the data."""

KINDS: Final = (*ANSWERING, "kafka", "other")
"""All kinds of processes."""

_KIND_OF: Final[Mapping[str, str]] = {kind: kind for kind in KINDS} | {"proxy": "router"}

T = TypeVar("T")

Seconds = Mapping[str, float]
"""Processor seconds by kind of process."""


class Used(NamedTuple):
    """Duration of a measurement, and the processor time that the stack used meanwhile."""

    seconds: float
    cpu: Seconds


def measured(settings: Settings, run: Callable[[], T]) -> tuple[T, Used]:
    """Return what `run` returns, with its duration and the stack's processor time meanwhile.

    No process may start or end meanwhile, except tasks of Airflow.
    """
    before, began = _cpu(settings), time.monotonic()
    found = run()
    seconds, after = time.monotonic() - began, _cpu(settings)
    return found, Used(seconds, {kind: after[kind] - before[kind] for kind in KINDS})


def per_look(used: Used, idle: Used, looks: int) -> dict[str, float]:
    """Return processor milliseconds per look: by kind, and of `all` that answer it.

    The stack without viewers also works: it sells, ingests and schedules. What it used while it was
    `idle`, in proportion to the time, does not count. Airflow works by fits and starts, so `other`
    is about 0 only in a long measurement; it does not count in `all`.
    """
    spent = {
        kind: 1000 * (used.cpu[kind] - idle.cpu[kind] * used.seconds / idle.seconds) / looks
        for kind in KINDS
    }
    answering = sum(spent[kind] for kind in ANSWERING)
    return {kind: round(value, 2) for kind, value in {"all": answering, **spent}.items()}


def _cpu(settings: Settings) -> Seconds:
    """Return the processor seconds of the stack's processes so far, ended children included."""
    found = dict.fromkeys(KINDS, 0.0)
    for state in supervision.process_states(settings):
        with suppress(psutil.NoSuchProcess):  # its program does not run
            process = psutil.Process(state["pid"])
            for member in (process, *process.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):  # ended now: its parent counts it
                    found[_KIND_OF.get(state["name"], "other")] += sum(member.cpu_times()[:4])
    return found
