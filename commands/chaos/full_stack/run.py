"""`./ventas chaos --random --full-stack`: schedules of harms to the whole stack, from a seed."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec
from rich.console import Console

from commands.chaos import clocks
from commands.chaos.full_stack.harms import CLOCKS, StackSchedule
from commands.chaos.run import Outcome, outcomes_table, print_failures, run_scenarios
from include.stack.settings import Settings
from include.texts import terminal_text

_NAME: Final = "random"

_TIMEOUT: Final = 20.0
"""Seconds for an answer of Druid: while several parts recover, a slow machine needs long."""


def run_full_stack(
    settings: Settings, console: Console, *, schedules: Sequence[StackSchedule], as_json: bool
) -> int:
    """Run each schedule in a round; return 0 only if all passed.

    The failed schedules are printed for a replay.

    Raises:
        StackError: a schedule sets clocks, and libfaketime is not installed.
    """
    harms = Counter(harm.kind for schedule in schedules for harm in schedule.harms)
    if not harms.keys().isdisjoint(CLOCKS):
        clocks.library()
    messages = Console(stderr=True) if as_json else console
    began = time.monotonic()
    scenarios = [(schedule.name, schedule.scenario()) for schedule in schedules]
    outcomes = run_scenarios(settings, messages, scenarios, rounds=1, timeout=_TIMEOUT)
    total = Outcome(_NAME, "schedules of harms to the full stack")
    for outcome in outcomes:
        total.include(outcome)
    # The last outcome is that of the last window.
    failed = [
        it for it, outcome in zip(schedules, outcomes[:-1], strict=True) if not outcome.passed
    ]
    if as_json:
        found = {
            **total.to_dict(),
            "schedules": len(schedules),
            "harms": dict(sorted(harms.items())),
            "failed": msgspec.to_builtins(failed),
            "seconds": round(time.monotonic() - began, 1),
        }
        print(json.dumps(found))
    else:
        console.print(outcomes_table([total]))
        kinds = " ".join(f"{kind}: {count}" for kind, count in sorted(harms.items()))
        console.print(f"{terminal_text('cli.chaos.random.harms')}: {kinds}")
    print_failures(settings, messages, outcomes)
    for schedule in failed:
        text = msgspec.json.encode(schedule).decode()
        messages.print(terminal_text("cli.chaos.random.failing", schedule=text), soft_wrap=True)
    return 0 if total.passed else 1
