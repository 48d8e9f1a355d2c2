"""Start the stack (the DAG or the demo starts the Druid VM)."""

import argparse

from rich.console import Console

from commands.progress import StackProgress
from commands.status import print_addresses
from include.stack import stack
from include.stack.settings import Settings


def run(_: argparse.Namespace, settings: Settings, console: Console) -> int:
    with StackProgress(console) as progress:
        stack.up(settings, progress.callbacks())
    print_addresses(settings, console)
    return 0
