"""Delete the state folder: data, logs, Airflow's database."""

import argparse

from rich.console import Console

from include.stack import stack
from include.stack.settings import Settings
from include.texts import terminal_text


def run(_: argparse.Namespace, settings: Settings, console: Console) -> int:
    home = settings.home
    if not home.exists():
        _say(console, terminal_text("cli.stack.no_folder", folder=home))
        return 0
    stack.clean(
        settings,
        lambda held: _say(console, terminal_text("cli.stack.removing", folder=home, held=held)),
    )
    _say(console, terminal_text("cli.stack.removed", folder=home))
    return 0


def _say(console: Console, text: str) -> None:
    """Print a text with file names, without rich's markup and line breaks in them."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)
