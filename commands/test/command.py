"""Run the named test suites, or those that a contributor needs."""

import argparse
import os

from rich.console import Console

from commands.test.suites import help_text
from include.stack import folder
from include.stack.settings import Settings


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.epilog = help_text()
    parser.add_argument(
        "suites",
        nargs="*",
        metavar="SUITE",
        help="names of suites, or `quick` or `full`; see the table below",
    )
    parser.add_argument(
        "-k", metavar="EXPRESSION", help="run only the tests that match, as pytest's -k does"
    )
    parser.add_argument(
        "--stacks",
        type=int,
        choices=(1, 2),
        help="stacks that run at once (default: 2 with 4 cores and 12 GiB of free memory, else 1)",
    )


def run(options: argparse.Namespace, settings: Settings, _: Console) -> int:
    from commands.test.runner import run_suites

    folder.claim(settings.home)
    # With the cache of another clone mypy takes 3 s instead of 50: it compares the files' hashes.
    os.environ.setdefault("MYPY_CACHE_DIR", str(settings.cache / "mypy"))
    return run_suites(options.suites, options.k, settings.home, options.stacks)
