"""Kill each part while sales flow, and verify that no event is lost.

Kill, stop and starve every part of the stack, while a producer publishes 220 sales per second and
an Airflow window one sale every 1-2 s. After each round, compare the ledger, Kafka (read_committed)
and Druid by id, by count and by sum: no event may be lost or duplicated.

The command runs a separate stack on free ports, in a folder that it removes at the end. A round
takes about a minute, or more if a process must stay off. The exit code is 0 only if every round
passed; the logs of a failed scenario are kept in <VENTAS_HOME>/chaos/NAME.

With --random, a proxy before a Kafka of its own delays, drops, repeats and cuts the requests of a
publisher, as schedules that are drawn from a seed say; Airflow and Druid do not run. The history of
each schedule's transactions is compared with Kafka, and the first failed schedule is shrunk.
"""

import argparse
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console

from commands import options as types
from include.stack import folder
from include.stack.settings import Settings

if TYPE_CHECKING:
    from commands.chaos.network.harms import Schedule


def add_options(parser: argparse.ArgumentParser) -> None:
    from commands.chaos.scenarios import SCENARIOS

    listed = "\n".join(f"  {name:<12}  {scenario.text}" for name, scenario in SCENARIOS.items())
    parser.epilog = (
        f"scenarios:\n{listed}\n\nexamples:\n  ./ventas chaos --scenario indexer kafka --rounds 2\n"
        "  ./ventas chaos --random --seed 1 --rounds 100"
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--scenario",
        nargs="+",
        action="extend",
        choices=tuple(SCENARIOS),
        metavar="NAME",
        help="scenarios to run (default: all)",
    )
    parser.add_argument(
        "--rounds",
        type=types.whole_number(1, 100_000, "rounds"),
        default=5,
        metavar="N",
        help="rounds of each scenario, or random schedules (default: 5)",
    )
    kind.add_argument(
        "--random", action="store_true", help="run random schedules of harms to the network"
    )
    kind.add_argument(
        "--schedule",
        type=_schedule,
        metavar="JSON",
        help="as --random, but run this schedule, which a failed run printed, in each round",
    )
    parser.add_argument(
        "--brokers",
        type=int,
        choices=(1, 3),
        default=1,
        help="in the schedules: Kafka's nodes (default: 1); of three, schedules also kill, stop or "
        "isolate leaders and the controller, fill disks and set clocks (needs root, faketime)",
    )
    types.add_seed(parser)
    parser.add_argument(
        "--naive",
        action="store_true",
        help="in the schedules: a plain librdkafka producer, which loses sales, in place of ours",
    )
    types.add_json(parser)


def _schedule(text: str) -> "Schedule":
    from commands.chaos.network.harms import Schedule

    try:
        return msgspec.json.decode(text, type=Schedule)
    except msgspec.DecodeError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a schedule: {error}") from None


def run(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Run the scenarios, or random schedules, and print a table."""
    folder.claim(settings.home)
    if options.random or options.schedule:
        from commands.chaos.network.harms import drawn
        from commands.chaos.network.run import run_random

        brokers = options.brokers
        return run_random(
            settings,
            console,
            schedules=[
                options.schedule or drawn(options.seed, number, brokers=brokers)
                for number in range(options.rounds)
            ],
            brokers=brokers,
            naive=options.naive,
            as_json=options.json,
        )
    from commands.chaos.run import run_chaos

    return run_chaos(
        settings,
        console,
        names=options.scenario or (),
        rounds=options.rounds,
        as_json=options.json,
    )
