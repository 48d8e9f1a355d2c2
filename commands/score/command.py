"""Plant incidents and faults in simulated sales, and count which ones the judges find.

Business: incidents such as a bank that rejects, or a product that sells out, are planted in
simulated sales with eight days of past, and looked at every five minutes as «Qué hacer» does. Days
without incidents, with a holiday and CyberMonday among them, show how often it reports something
by chance.

Why: the same incidents are planted, and «¿Por qué cambió?» is asked for a key figure of the last
hour, compared with the same hour of the day and of the week before. The planted subject has to be
among the first two causes. Questions without an incident show which causes chance makes.

Technical: the records of a run are damaged (duplicated, lost, late, with wrong amounts, ...) and
judged every five minutes by the validation's checks.

No stack is needed: the SQL of the checks and of the questions runs here on SQLite. The kinds are
the lines of commands/score/*.csv. The checks that ask Druid about itself (supervisor, offsets, lag)
have no score: `./ventas chaos` tests them on a real stack.

found    runs in which the right kind and subject were found before the incident ended
false    findings that name something else; on days without incidents, all findings; of a fault that
         a window can inject on purpose, checks that fail although the ledger announces it; of a
         question, the causes before the planted one
minutes  from the beginning to the first finding, the median
money    change of the revenue that it causes, the median

The exit code is 1 if a bar is missed: 99 % of the faults, 90 % of the incidents and 90 % of the
planted causes found, and at most one false finding in a simulated week.
"""

import argparse
from typing import Final

from rich.console import Console

from commands import options as types
from commands.score.cases import Part, rows_of
from include.stack.settings import Settings

FILES: Final[dict[Part, str]] = {
    "business": "business.csv",
    "quiet": "quiet.csv",
    "why": "why.csv",
    "technical": "technical.csv",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "examples:\n"
        "  ./ventas score                                    # all kinds, 20 seeds\n"
        "  ./ventas score --technical --seeds 5\n"
        "  ./ventas score --kinds menos_ventas semana_usual --seeds 2"
    )
    parser.add_argument(
        "--seeds",
        type=types.whole_number(1, 1000, "seeds"),
        default=20,
        metavar="N",
        help="runs of each kind, each with other sales, 1 to 1000 (default: %(default)s)",
    )
    parts = parser.add_mutually_exclusive_group()
    parts.add_argument("--business", action="store_true", help="only incidents and quiet days")
    parts.add_argument("--why", action="store_true", help="only the questions")
    parts.add_argument("--technical", action="store_true", help="only faults of the records")
    parser.add_argument(
        "--kinds",
        nargs="+",
        action="extend",
        choices=[kind for file in FILES.values() for kind in rows_of(file)],
        metavar="KIND",
        help="only these kinds, by the first column of commands/score/*.csv",
    )
    types.add_json(parser)


def run(options: argparse.Namespace, _: Settings, console: Console) -> int:
    """Score the chosen kinds."""
    from commands.score.run import run_score

    kept: tuple[Part, ...] = tuple(FILES)
    if options.business:
        kept = ("business", "quiet")
    elif options.why or options.technical:
        kept = ("why",) if options.why else ("technical",)
    kinds = {
        part: {
            kind: case
            for kind, case in rows_of(FILES[part]).items()
            if not options.kinds or kind in options.kinds
        }
        for part in kept
    }
    return run_score(console, kinds, options.seeds, as_json=options.json)
