"""Show addresses, processes and memory."""

import argparse
import json

from rich.console import Console
from rich.table import Table

from commands import options as types
from include.stack import airflow, security, stack
from include.stack.settings import Settings


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    types.add_json(parser)
    parser.add_argument(
        "--passwords",
        action="store_true",
        help="print Airflow's passwords even if the output is not a terminal",
    )


def run(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Print the state of the stack."""
    found = stack.status(settings)
    if options.json:
        if options.passwords and found["running"]:
            found["airflow"]["passwords"] = airflow.passwords(settings)
        print(json.dumps(found, indent=2))
        return 0
    if not found["running"]:
        console.print("La pila está detenida: `./ventas up` o `./ventas demo` la inician.")
        return 0
    table = Table("proceso", "estado", "pid", "RSS MiB", "PSS MiB")
    for process in found["processes"]:
        table.add_row(
            process["name"],
            process["state"],
            str(process["pid"] or ""),
            str(process["rss_mib"]),
            str(process["pss_mib"]),
        )
    console.print(table)
    console.print(f"Memoria proporcional (PSS) en total: {found['memory_mib']} MiB")
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
    table.add_row("", "solo para mirar", logins[1])
    table.add_row("Ventas en vivo", f"{settings.url('airflow')}{airflow.PAGE}", "dentro de Airflow")
    table.add_row("Druid", security.druid_url(settings), "cuando la VM está encendida")
    table.add_row("Kafka", settings.address("kafka"), "bootstrap.servers")
    table.add_row("Compute Engine (emulador)", settings.url("compute"), "")
    console.print(table)
