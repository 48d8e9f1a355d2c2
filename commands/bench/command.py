"""Measure the project against Kafka's tool, Faker and Druid.

The benchmark starts a separate Kafka and Druid on free ports, in a folder that it removes at the
end. It takes about 15 minutes, or 2 with --quick; run nothing else meanwhile.

The page is measured only if you name it: about an hour, or five minutes with --quick. Each --past
and --rate has a stack of its own, whose folder .ventas/bench-page-* stays. So only the first run
fills the past: a million events take about a minute and 60 MB. Remove the folder if the event or
Druid's columns have changed.
"""

import argparse
import ast

from rich.console import Console

from commands import options as types
from include.stack import folder
from include.stack.settings import ROOT, Settings


def add_options(parser: argparse.ArgumentParser) -> None:
    from commands.bench.run import NAMES

    listed = "\n".join(f"  {name:<10} {_purpose(name)}" for name in NAMES)
    parser.epilog = (
        f"parts, in the order they run:\n{listed}\n\n"
        "Every part except page runs in a separate process; `./ventas logs bench-<part>` shows\n"
        "its log. You can also run such a part alone:\n"
        "`.venv/bin/python -m commands.bench.generate --events 20000000`."
    )
    parser.add_argument(
        "parts",
        nargs="*",
        type=_part,
        metavar="NAME",
        help="parts to run (default: all except page)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="use about a tenth of the data, for a first impression"
    )
    page = parser.add_argument_group("options of the part page")
    page.add_argument(
        "--past",
        type=types.numbers(0.1, 200, "million events"),
        metavar="MILLIONS",
        help="millions of events in the 30 days before today, such as 5,20,100: each is measured, "
        "and the last is compared with the first (default: 5,20; with --quick 0.5)",
    )
    page.add_argument(
        "--rate",
        type=types.numbers(0.01, 50, "sales per second"),
        metavar="SALES",
        help="sales per second meanwhile and in the mean of today, such as 0.67,5,50: each is "
        "measured (default: 0.67)",
    )
    page.add_argument(
        "--first-minutes",
        dest="first",
        type=types.number(0, 60, "minutes"),
        metavar="MINUTES",
        help="also stop and start Druid's VM, and measure one viewer for so long after its first "
        "answer; 0 to leave it out (default: 5; with --quick 0)",
    )
    types.add_json(parser)


def run(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    from commands.bench.page import FULL, QUICK
    from commands.bench.run import run_bench

    chosen = {"pasts": options.past, "rates": options.rate, "first": options.first}
    page = (QUICK if options.quick else FULL)._replace(
        **{name: value for name, value in chosen.items() if value is not None}
    )
    folder.claim(settings.home)
    return run_bench(
        settings,
        console,
        names=options.parts,
        quick=options.quick,
        page=page,
        as_json=options.json,
    )


def _purpose(name: str) -> str:
    """Return what a part measures: the first line of its module, which may be slow to import."""
    from commands.bench.parts import PARTS

    module = PARTS[name].module if name in PARTS else f"commands.bench.{name}"
    source = (ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
    told = str(ast.get_docstring(ast.parse(source))).splitlines()[0]
    return told.removeprefix("Measure ").removesuffix(".")


def _part(text: str) -> str:
    from commands.bench.run import NAMES

    # argparse's own `choices` would refuse an empty list of parts.
    if text not in NAMES:
        raise argparse.ArgumentTypeError(
            f"no part has the name {text!r}; the parts are {', '.join(NAMES)}"
        )
    return text
