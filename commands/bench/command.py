"""Measure the project against Kafka's tool, Faker and Druid.

It measures on a Kafka and a Druid of the benchmark's own (free ports, a folder that is removed at
the end). About 15 minutes, 2 with --quick; leave the machine alone. The page is measured only if it
is named: it takes an hour or so, minutes with --quick.
"""

import argparse
from typing import Final

from rich.console import Console

from commands import options as types
from include.stack import folder
from include.stack.settings import Settings

EPILOG: Final = """\
parts, in the order they run:
  generate   sales a second that one core generates and encodes; memory at 10 % and at the end
  load       events a second of the load mode, from the first acknowledgement to the last
  perf_test  Kafka's producer-perf-test with the same sales and settings, in turns with load
  faker      events a second of a producer as it is usually written, with Faker for each field
  druid      rows a second that Druid takes out of a full topic, and live at 95 % of that rate
  cadence    how far sales every 1-2 s are from their plan; CPU and memory of that producer
  page       the live page on a stack of its own with 5 and 20 million events in Druid: its API for
             one viewer and for 50 at once, and in Chromium its first paint and a sale's way there

Each part but the page runs in a process of its own; its log is bench-<part> to `./ventas logs`.
Alone, such a part is a module: `.venv/bin/python -m commands.bench.generate --events 20000000`."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = EPILOG
    parser.add_argument(
        "parts", nargs="*", type=_part, metavar="NAME", help="only these (default: all but page)"
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the size: a first look")
    types.add_json(parser)


def run(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Measure the parts and print their figures."""
    from commands.bench.run import run_bench

    folder.claim(settings.home)
    return run_bench(
        settings, console, names=options.parts, quick=options.quick, as_json=options.json
    )


def _part(text: str) -> str:
    from commands.bench.run import NAMES

    # argparse's own `choices` would refuse an empty list of parts.
    if text not in NAMES:
        raise argparse.ArgumentTypeError(
            f"there is no part {text!r}; there are: {', '.join(NAMES)}"
        )
    return text
