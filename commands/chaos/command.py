"""Kill each part while sales flow, and verify that no event is lost.

Kill, stop and starve every part of the stack, while a producer publishes 220 sales per second and
an Airflow window one sale every 1-2 s. After each round, compare the ledger, Kafka (read_committed)
and Druid by id, by count and by sum: no event may be lost or duplicated.

The command runs a separate stack on free ports, in a folder that it removes at the end. A round
takes about a minute, or more if a process must stay off. The exit code is 0 only if every round
passed; the logs of a failed scenario are kept in <VENTAS_HOME>/chaos/NAME.
"""

import argparse

from rich.console import Console

from commands import options as types
from include.stack import folder
from include.stack.settings import Settings


def add_options(parser: argparse.ArgumentParser) -> None:
    from commands.chaos.scenarios import SCENARIOS

    listed = "\n".join(f"  {name:<12}  {scenario.text}" for name, scenario in SCENARIOS.items())
    parser.epilog = (
        f"scenarios:\n{listed}\n\nexample:\n  ./ventas chaos --scenario indexer kafka --rounds 2"
    )
    parser.add_argument(
        "--scenario",
        nargs="+",
        action="extend",
        choices=tuple(SCENARIOS),
        metavar="NAME",
        help="scenarios to run (default: all)",
    )
    parser.add_argument(
        "--rounds",
        type=types.whole_number(1, 100, "rounds"),
        default=5,
        metavar="N",
        help="rounds of each scenario, 1 to 100 (default: 5)",
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
