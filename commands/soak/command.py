"""Run for hours and report anything that grows without end.

Run a separate stack for hours, and report every series that grows without levelling off. The stack
uses free ports and a folder that is removed at the end. Airflow keeps a window open with a sale
every 1-2 s and validates every five minutes. At the same time, past days with as many sales are
published at a compressed clock, two minutes per day. So an hour has a month's hand-offs,
compactions, dropped days and deleted segments in Druid and in Kafka.
"""

import argparse
from typing import Final

from rich.console import Console

from commands import options as types
from include.stack import folder
from include.stack.settings import Settings

EPILOG: Final = """\
Every half minute, a sample goes to soak.csv in the stack's logs folder: memory, open files and
threads of every process, and sizes of topics, segments, folders and lag. Every three days of the
compressed clock, and at the end, Druid is compared with the ledger by run, minute and state.

A series levels off if its mean over the last quarter exceeds the mean over the third quarter by at
most 5 %, or by little in absolute terms. The first half is warm-up; with fewer than 40 samples (20
minutes) there is no verdict. Data that is kept for longer than the run may grow: the report lists
it with its limit and with its size after a month.

exit code: 0 if every series levels off, Druid equals the ledger and the window is reconciled;
otherwise 1. Ctrl-C or SIGTERM stops everything in order. Run nothing else meanwhile: other work
shows as growth."""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument(
        "--hours",
        type=types.number(0.05, 12, "hours"),
        default=1,
        metavar="H",
        help="hours to run, 0.05 to 12 (default: %(default)s)",
    )
    types.add_json(parser)


def run(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    from commands.soak.run import run_soak

    folder.claim(settings.home)
    return run_soak(settings, console, hours=options.hours, as_json=options.json)
