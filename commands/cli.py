"""`./ventas`: read the command line and run a command, each a module or folder of `commands/`."""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from types import ModuleType
from typing import Final

from rich.console import Console
from rich.markup import escape

from commands import clean, demo, docs, down, logs, market, size, status, up
from commands.bench import command as bench
from commands.chaos import command as chaos
from commands.cloud import command as cloud
from commands.plots import command as plots
from commands.score import command as score
from commands.soak import command as soak
from commands.test import command as test
from include.gcp.sizing import SizingError
from include.sales.market import MarketError
from include.stack import environment, stack
from include.stack.airflow_api import AirflowApiError
from include.stack.airflow_database import DatabaseError
from include.stack.folder import FolderError
from include.stack.jars import JarError
from include.stack.ports import PortsBusyError
from include.stack.secret_files import DamagedSecretsError
from include.stack.settings import Settings, SettingsError
from include.waiting import WaitTimeoutError

DESCRIPTION: Final = """\
Streaming-sales lab: Airflow simulates the sales of Argentine stores, publishes them to Kafka and
validates them in Druid. Everything runs on this machine, on loopback only."""

EPILOG: Final = """\
environment:
  VENTAS_HOME            state folder of the stack, new or empty at the first `up`
                         (default: .ventas in the project)
  VENTAS_SECURE          1: Kafka and Druid require TLS and logins, as in production
  VENTAS_AIRFLOW_DATABASE
                         PostgreSQL server of this machine for Airflow's database, such as
                         postgresql://USER:PASSWORD@127.0.0.1:5432 (default: SQLite)
  VENTAS_CACHE           folder of the downloads, which all stacks share
                         (default: ~/.cache/ventas)
  VENTAS_LANGUAGE        language of commands, Airflow and a new viewer's page, such as en
                         (default: commands follow the locale, the others are in Spanish)
  VENTAS_PORT_OFFSET     number added to every port, e.g. to run two stacks
  VENTAS_PORT_<SERVICE>  sets one port, e.g. VENTAS_PORT_KAFKA=19092"""

#: Each module has a docstring, whose first line is the command's help, and the functions
#: `run(options, settings, console)` and, if it has options, `add_options(parser)`.
COMMANDS: Final[dict[str, ModuleType]] = {
    "demo": demo,
    "test": test,
    "up": up,
    "down": down,
    "status": status,
    "logs": logs,
    "market": market,
    "plots": plots,
    "size": size,
    "cloud": cloud,
    "bench": bench,
    "chaos": chaos,
    "soak": soak,
    "score": score,
    "docs": docs,
    "clean": clean,
}

EXPECTED_ERRORS: Final = (
    AirflowApiError,
    SettingsError,
    FolderError,
    DamagedSecretsError,
    DatabaseError,
    PortsBusyError,
    JarError,
    MarketError,
    SizingError,
    WaitTimeoutError,
    stack.StackError,
)


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser(arguments).parse_args(arguments)
    environment.keep_loopback_from_proxies()
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show "ó" or "…" gets "?" instead of an exception.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        code: int = COMMANDS[options.command].run(options, Settings.from_environment(), Console())
        return code
    except EXPECTED_ERRORS as error:
        # The message may quote log lines, which are full of square brackets: rich's markup.
        Console(stderr=True).print(
            f"[bold red]ventas:[/] {escape(str(error))}", highlight=False, soft_wrap=True
        )
        return 1
    except OSError as error:
        print(f"ventas: {error.strerror or error}: {error.filename or ''}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        output = f"{error.stdout or ''}{error.stderr or ''}"[-4000:]
        print(
            f"ventas: {error.cmd[0]} failed with code {error.returncode}:\n{output}",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("ventas: interrupted; `./ventas status` shows what runs.", file=sys.stderr)
        return 130


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser, with the options of the named command only: they take time to import."""
    parser = argparse.ArgumentParser(
        prog="./ventas",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parsers = parser.add_subparsers(metavar="COMMAND", dest="command", required=True)
    for name, module in COMMANDS.items():
        description = str(module.__doc__).strip()
        command = parsers.add_parser(
            name,
            help=description.splitlines()[0].removesuffix("."),
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name in arguments and hasattr(module, "add_options"):
            module.add_options(command)
    return parser


if __name__ == "__main__":
    sys.exit(main())
