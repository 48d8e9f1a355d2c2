"""Draw figures of simulated sales."""

import argparse
from pathlib import Path

from rich.console import Console

from commands import options as types
from include.stack.settings import ROOT, Settings


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--folder",
        type=Path,
        default=ROOT / "docs" / "images",
        metavar="FOLDER",
        help="folder of the figures (default: the project's docs/images)",
    )
    types.add_seed(parser)


def run(options: argparse.Namespace, _: Settings, console: Console) -> int:
    from commands.plots.figures import draw_all

    for path in draw_all(options.folder, options.seed):
        console.print(str(path), soft_wrap=True, highlight=False)
    return 0
