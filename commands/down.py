"""Stop every process of the stack."""

import argparse

from rich.console import Console

from include.stack import stack
from include.stack.settings import Settings


def run(_: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Stop the stack, and processes that its supervisor lost."""
    killed = stack.down(settings)
    if killed:
        console.print(f"También se terminaron procesos sueltos: {killed}")
    console.print("Nada queda en marcha.")
    return 0
