"""Check the market data: products, stores, payment mix."""

import argparse
from dataclasses import fields
from pathlib import Path

from rich.console import Console
from rich.table import Table

from include.sales.market import DATA, load_market
from include.stack.settings import Settings
from include.texts import terminal_text


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", choices=["check"], help="print every mistake in the files, or the number of rows"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=DATA,
        metavar="FOLDER",
        help="folder of the data files (default: the project's)",
    )


def run(options: argparse.Namespace, _: Settings, console: Console) -> int:
    """Read the market data, which checks it, and print the number of rows of each table."""
    market = load_market(options.folder)
    names = (terminal_text("cli.market.table"), terminal_text("cli.market.rows"))
    table = Table(*names, title=str(options.folder), title_justify="left")
    for field in fields(market):
        table.add_row(field.name, str(len(getattr(market, field.name))))
    console.print(table)
    console.print(terminal_text("cli.market.valid"))
    console.print(terminal_text("cli.market.events_end", day=market.events_end))
    return 0
