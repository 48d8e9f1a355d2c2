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

With --random --full-stack, the whole stack runs. Each round is a schedule that is drawn from a
seed: within some seconds, two to four parts are killed, stopped (SIGSTOP), locked, filled up,
turned off, made to hand segments off, or have their clock set or their requests harmed. The
comparison is that of the scenarios. A failed schedule is printed for --schedule, and not shrunk.
"""

import argparse
from typing import TypeVar

import msgspec
from rich.console import Console

from commands import options as types
from include.stack import folder, stack
from include.stack.settings import Settings

T = TypeVar("T")


def add_options(parser: argparse.ArgumentParser) -> None:
    from commands.chaos.scenarios import SCENARIOS

    listed = "\n".join(f"  {name:<12}  {scenario.text}" for name, scenario in SCENARIOS.items())
    parser.epilog = (
        f"scenarios:\n{listed}\n\nexamples:\n  ./ventas chaos --scenario indexer kafka --rounds 2\n"
        "  ./ventas chaos --random --seed 1 --rounds 100\n"
        "  ./ventas chaos --random --full-stack --seed 1 --rounds 10"
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
        metavar="JSON",
        help="as --random, but run this schedule, which a failed run printed, in each round",
    )
    parser.add_argument(
        "--full-stack",
        action="store_true",
        help="in the schedules: harms to parts of Kafka, Druid, Airflow, the VM and the network; a "
        "round takes some minutes (needs root, faketime)",
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


def run(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Run the scenarios, or random schedules, and print a table."""
    folder.claim(settings.home)
    if options.full_stack:
        return _run_full_stack(options, settings, console)
    if options.random or options.schedule:
        return _run_random(options, settings, console)
    from commands.chaos.run import run_chaos

    return run_chaos(
        settings,
        console,
        names=options.scenario or (),
        rounds=options.rounds,
        as_json=options.json,
    )


def _run_random(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    from commands.chaos.network.harms import Schedule, drawn
    from commands.chaos.network.run import run_random

    brokers = options.brokers
    given = _given(options.schedule, Schedule)
    return run_random(
        settings,
        console,
        schedules=[
            given or drawn(options.seed, number, brokers=brokers)
            for number in range(options.rounds)
        ],
        brokers=brokers,
        naive=options.naive,
        as_json=options.json,
    )


def _run_full_stack(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    from commands.chaos.full_stack.harms import StackSchedule, drawn
    from commands.chaos.full_stack.run import run_full_stack

    if options.naive or options.brokers > 1:
        raise stack.StackError("--full-stack goes neither with --naive nor with --brokers.")
    if not (options.random or options.schedule):
        raise stack.StackError("--full-stack needs --random or --schedule.")
    given = _given(options.schedule, StackSchedule)
    return run_full_stack(
        settings,
        console,
        schedules=[given or drawn(options.seed, number) for number in range(options.rounds)],
        as_json=options.json,
    )


def _given(text: str | None, kind: type[T]) -> T | None:
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise stack.StackError(f"{text!r} is not a schedule: {error}") from None
