"""Run the tests: a contributor's, or the named suites."""

import argparse

from rich.console import Console

from commands.test.suites import help_text
from include.stack import folder
from include.stack.settings import Settings


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options, and the table of suites as its epilog."""
    parser.epilog = help_text()
    parser.add_argument(
        "suites",
        nargs="*",
        metavar="SUITE",
        help="suites, or `quick` or `full`; the table below tells what each proves",
    )
    parser.add_argument("-k", metavar="EXPRESSION", help="only tests that match, as pytest's -k")
    parser.add_argument(
        "--stacks",
        type=int,
        choices=(1, 2),
        help="stacks at once (default: 2 where 4 cores and 12 GiB are free, else 1)",
    )


def run(options: argparse.Namespace, settings: Settings, _: Console) -> int:
    """Run the suites."""
    from commands.test.runner import run_suites

    folder.claim(settings.home)
    return run_suites(options.suites, options.k, settings.home, options.stacks)
