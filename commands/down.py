"""Stop every process of the stack."""

import argparse

from rich.console import Console

from include.stack import stack
from include.stack.settings import Settings
from include.texts import terminal_text


def run(_: argparse.Namespace, settings: Settings, console: Console) -> int:
    killed = stack.down(settings)
    if killed:
        console.print(terminal_text("cli.stack.stray", processes=killed))
    console.print(terminal_text("cli.stack.down"))
    return 0
