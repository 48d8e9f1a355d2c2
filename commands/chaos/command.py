"""Kill each part while sales flow; nothing lost, nothing twice.

Kill, stop and starve every part of the stack while 220 sales a second flow beside an Airflow window
of a sale every 1-2 s. After each round the ledger, Kafka (read_committed) and Druid are compared by
id, by count and by sum.

It has a stack of its own (free ports, a folder that is removed at the end); yours is not touched.
About a minute a round, more where something stays away on purpose. The exit code is 0 only if
every round passed; the logs of a scenario that failed are kept in <VENTAS_HOME>/chaos/NAME.
"""

import argparse

from rich.console import Console

from commands import options as types
from include.stack import folder
from include.stack.settings import Settings


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options, and the list of scenarios as its epilog."""
    from commands.chaos.scenarios import SCENARIOS

    listed = "\n".join(f"  {name:<12}  {it.text}" for name, it in SCENARIOS.items())
    parser.epilog = (
        f"scenarios:\n{listed}\n\nexample:\n  ./ventas chaos --scenario indexer kafka --rounds 2"
    )
    parser.add_argument(
        "--scenario",
        nargs="+",
        action="extend",
        choices=tuple(SCENARIOS),
        metavar="NAME",
        help="only these (default: all)",
    )
    parser.add_argument(
        "--rounds",
        type=types.whole_number(1, 100, "rounds"),
        default=5,
        metavar="N",
        help="of each, 1 to 100 (default: 5)",
    )
    types.add_json(parser)


def run(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Run the scenarios and print a table."""
    from commands.chaos.run import run_chaos

    folder.claim(settings.home)
    return run_chaos(
        settings,
        console,
        names=options.scenario or (),
        rounds=options.rounds,
        as_json=options.json,
    )
