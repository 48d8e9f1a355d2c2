"""Measure the project against Kafka's tool, Faker and Druid.

The benchmark starts a separate Kafka and Druid on free ports, in a folder that it removes at the
end. It takes about 15 minutes, or 2 with --quick; run nothing else meanwhile. The page is measured
only if you name it: about an hour, or minutes with --quick.
"""

import argparse
from typing import Final

from rich.console import Console

from commands import options as types
from include.stack import folder
from include.stack.settings import Settings

EPILOG: Final = """\
parts, in the order they run:
  generate   sales per second that one core generates and encodes; memory at 10 % and at the end
  load       events per second in load mode, from the first acknowledgement to the last
  perf_test  Kafka's producer-perf-test with the same sales and settings, alternating with load
  faker      events per second of a typical producer, which calls Faker for each field
  druid      rows per second that Druid reads from a full topic, and live at 95 % of that rate
  cadence    deviation of sales every 1-2 s from their plan; CPU and memory of that producer
  page       the live page on a separate stack, with 5 and 20 million events in Druid: response
             times of its API for one viewer and for 50 at once, and in Chromium the first paint and
             the time until a new sale is shown

Every part except page runs in a separate process; `./ventas logs bench-<part>` shows its log. You
can also run such a part alone: `.venv/bin/python -m commands.bench.generate --events 20000000`."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = EPILOG
    parser.add_argument(
        "parts",
        nargs="*",
        type=_part,
        metavar="NAME",
        help="parts to run (default: all except page)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="use about a tenth of the data, for a first impression"
    )
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
            f"no part has the name {text!r}; the parts are {', '.join(NAMES)}"
        )
    return text
