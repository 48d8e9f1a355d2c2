"""Print a process's log and follow it."""

import argparse
import os

from rich.console import Console

from include.stack.settings import Settings
from include.stack.stack import StackError


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="name of the process in `./ventas status`")
    parser.add_argument(
        "-n", type=int, default=100, metavar="LINES", help="last lines to print first"
    )
    parser.add_argument("--no-follow", action="store_true", help="print these lines and exit")


def run(options: argparse.Namespace, settings: Settings, _: Console) -> int:
    file = settings.logs / f"{options.name}.log"
    logs = [log for log in settings.logs.glob("*.log") if log.is_file()]
    if file not in logs:
        names = ", ".join(sorted(log.stem for log in logs)) or "none yet"
        raise StackError(f"No log has the name {options.name!r}; the logs are: {names}.")
    follow = [] if options.no_follow else ["-F"]
    os.execvp("tail", ["tail", "-n", str(options.n), *follow, str(file)])  # noqa: S606
