"""Run for hours and tell whether anything grows without end.

Run everything for hours on a stack of the run's own (free ports, a folder that is removed at the
end). Airflow keeps a window open at a sale every 1-2 s and validates every five minutes; beside it,
past days of as many sales are published at a compressed clock, two minutes a day, so that an hour
is a month of hand-offs, compactions, dropped days and deleted segments in Druid and in Kafka.
"""

import argparse
from typing import Final

from rich.console import Console

from commands import options as types
from include.stack import folder
from include.stack.settings import Settings

EPILOG: Final = """\
Each half minute, memory, open files and threads of every process, topics, segments, folders and lag
are sampled to soak.csv in the stack's logs folder. Every three days of the compressed clock, and at
the end, Druid is compared with the ledger by run, minute and state.

A series levels off if the mean of the run's last quarter exceeds that of the quarter before by no
more than 5 % (or by little in absolute terms). The first half is warm-up; with fewer than 40
samples (20 minutes) nothing is judged. What is kept longer than the run on purpose is listed with
what bounds it, and with what a month of it comes to.

exit code: 0 if all levels off, Druid equals the ledger and the window is reconciled; otherwise 1.
Ctrl-C or SIGTERM stops everything in order. Leave the machine alone: other work shows as growth."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = EPILOG
    parser.add_argument(
        "--hours",
        type=types.number(0.05, 12, "hours"),
        default=1,
        metavar="H",
        help="how long, 0.05 to 12 (default: %(default)s)",
    )
    types.add_json(parser)


def run(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Run the soak and print its report."""
    from commands.soak.run import run_soak

    folder.claim(settings.home)
    return run_soak(settings, console, hours=options.hours, as_json=options.json)
