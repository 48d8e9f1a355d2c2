"""Remove the state folder: data, logs, Airflow's database."""

import argparse

from rich.console import Console

from include.stack import stack
from include.stack.settings import Settings


def run(_: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Remove the folder of a stopped stack."""
    if not settings.home.exists():
        _say(console, f"No hay nada que borrar: {settings.home} no existe.")
        return 0
    stack.clean(settings, lambda held: _say(console, f"Se borra {settings.home}: {held}"))
    _say(console, f"Se borró {settings.home}")
    return 0


def _say(console: Console, text: str) -> None:
    """Print a text with file names, without rich's markup and line breaks in them."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)
