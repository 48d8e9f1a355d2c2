"""Show addresses, processes and memory."""

import argparse
import json

from rich.console import Console
from rich.table import Table

from commands import options as types
from include.stack import airflow, security, stack
from include.stack.settings import Settings
from include.texts import terminal_text


def add_options(parser: argparse.ArgumentParser) -> None:
    types.add_json(parser)
    parser.add_argument(
        "--passwords",
        action="store_true",
        help="print Airflow's passwords even if the output is not a terminal",
    )


def run(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    found = stack.status(settings)
    if options.json:
        if options.passwords and found["running"]:
            found["airflow"]["passwords"] = airflow.passwords(settings)
        print(json.dumps(found, indent=2))
        return 0
    if not found["running"]:
        console.print(terminal_text("cli.stack.stopped"))
        return 0
    names = (terminal_text("cli.stack.process"), terminal_text("cli.stack.state"))
    table = Table(*names, "pid", "RSS MiB", "PSS MiB")
    for process in found["processes"]:
        table.add_row(
            process["name"],
            process["state"],
            str(process["pid"] or ""),
            str(process["rss_mib"]),
            str(process["pss_mib"]),
        )
    console.print(table)
    console.print(terminal_text("cli.stack.memory", mib=found["memory_mib"]))
    print_addresses(settings, console, passwords=options.passwords)
    return 0


def print_addresses(settings: Settings, console: Console, *, passwords: bool = False) -> None:
    """Print the addresses and logins of the stack's services."""
    table = Table(show_header=False, box=None)
    logins = [
        airflow.login_text(settings, user, always=passwords)
        for user in (airflow.USER, airflow.VIEWER)
    ]
    table.add_row("Airflow", settings.url("airflow"), logins[0])
    table.add_row("", terminal_text("cli.stack.read_only"), logins[1])
    table.add_row(
        terminal_text("page.shell.views.vivo"),
        f"{settings.url('airflow')}{airflow.PAGE}",
        terminal_text("cli.stack.inside_airflow"),
    )
    while_on = terminal_text("cli.stack.while_vm_is_on")
    table.add_row("Druid", security.druid_url(settings), while_on)
    table.add_row("Kafka", settings.address("kafka"), "bootstrap.servers")
    table.add_row(terminal_text("cli.stack.emulator"), settings.url("compute"), "")
    console.print(table)
