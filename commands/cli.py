"""`./ventas`: the command line of the embedded stack."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from io import TextIOWrapper
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from commands.progress import StackProgress
from commands.test.suites import help_text
from include.gcp.sizing import SizingError
from include.sales.market import DATA, MarketError, load_market
from include.sales.random_numbers import check_seed
from include.stack import airflow, environment, folder, security, stack
from include.stack.airflow_api import AirflowApiError
from include.stack.folder import FolderError
from include.stack.jars import JarError
from include.stack.ports import PortsBusyError
from include.stack.secret_files import DamagedSecretsError
from include.stack.settings import ROOT, Settings, SettingsError
from include.stack.waiting import WaitTimeoutError

DESCRIPTION = """\
Streaming-sales lab: Airflow simulates the sales of Argentine stores, publishes them to Kafka and
validates them in Druid. Everything runs on this machine, on loopback only."""

EPILOG = """\
environment:
  VENTAS_HOME            state folder of the stack, new or empty at the first `up`
                         (default: .ventas in the project)
  VENTAS_SECURE          1: Kafka and Druid ask for TLS and logins, as in production
  VENTAS_CACHE           downloads, shared by all stacks (default: ~/.cache/ventas)
  VENTAS_PORT_OFFSET     moves every port by so much, e.g. to run two stacks
  VENTAS_PORT_<SERVICE>  sets one port, e.g. VENTAS_PORT_KAFKA=19092"""

BENCH_PARTS = ("generate", "load", "perf_test", "faker", "druid", "cadence", "page")

BENCH_DESCRIPTION = """\
Measure the project on this machine, on a Kafka and a Druid of the benchmark's own (free ports, a
folder that is removed at the end). About 15 minutes, 2 with --quick; leave the machine alone. The
page is measured only if it is named: it takes an hour or so, minutes with --quick."""

BENCH_EPILOG = """\
parts, in the order they run:
  generate   sales a second that one core generates and encodes; memory at 10 % and at the end
  load       events a second of the load mode, from the first acknowledgement to the last
  perf_test  Kafka's producer-perf-test with the same sales and settings, in turns with load
  faker      events a second of a producer as it is usually written, with Faker for each field
  druid      rows a second that Druid takes out of a full topic, and live at 95 % of that rate
  cadence    how far sales every 1-2 s are from their plan; CPU and memory of that producer
  page       the live page on a stack of its own with 5 and 20 million events in Druid: its API for
             one viewer and for 50 at once, and in Chromium its first paint and a sale's way there

Each part but the page runs in a process of its own; its log is bench-<part> to `./ventas logs`.
Alone, such a part is a module: `.venv/bin/python -m commands.bench.generate --events 20000000`."""

CHAOS_SCENARIOS = (
    *("producer", "mark-failed", "scheduler", "api-server"),
    *("kafka", "kafka-paused", "disk-full"),
    *("indexer", "coordinator", "historical", "broker", "zookeeper", "vm"),
    *("hand-off", "everything", "partitions"),
)

CHAOS_DESCRIPTION = """\
Kill, stop and starve every part of the stack while 220 sales a second flow beside an Airflow window
of a sale every 1-2 s, and show that nothing is lost and nothing is there twice: after each round
the ledger, Kafka (read_committed) and Druid are compared by id, by count and by sum.

It has a stack of its own (free ports, a folder that is removed at the end); yours is not touched.
About a minute a round, more where something stays away on purpose. The exit code is 0 only if
every round passed; the logs of a scenario that failed are kept in <VENTAS_HOME>/chaos/NAME."""

CHAOS_EPILOG = """\
scenarios:
  producer      SIGKILL of the producers' processes, that of Airflow's task among them
  mark-failed   the window's task marked failed in Airflow, then the run cleared
  scheduler     Airflow's scheduler killed and restarted
  api-server    Airflow's API server away for 90 s
  kafka         Kafka's broker killed and restarted
  kafka-paused  Kafka's broker stopped (SIGSTOP) for 30 s
  disk-full     no room left for Kafka's log (needs the right to mount a small disk)
  indexer       Druid's indexer killed, with the tasks that it runs
  coordinator   Druid's coordinator and overlord killed
  historical    Druid's historical killed
  broker        Druid's broker and router killed
  zookeeper     ZooKeeper killed
  vm            the whole Druid VM stopped and started through Compute Engine's API
  hand-off      hand-off of the segments under load
  everything    every process killed at once, then `./ventas up`
  partitions    a partition added to both topics

example:
  ./ventas chaos --scenario indexer kafka --rounds 2"""

SOAK_DESCRIPTION = """\
Run everything for hours on a stack of the run's own (free ports, a folder that is removed at the
end) and tell whether anything grows that does not level off. Airflow keeps a window open at a sale
every 1-2 s and validates every five minutes; beside it, past days of as many sales are published at
a compressed clock, two minutes a day, so that an hour is a month of hand-offs, compactions, dropped
days and deleted segments in Druid and in Kafka."""

SOAK_EPILOG = """\
Each half minute, memory, open files and threads of every process, topics, segments, folders and lag
are sampled to soak.csv in the stack's logs folder. Every three days of the compressed clock, and at
the end, Druid is compared with the ledger by run, minute and state.

A series levels off if the mean of the run's last quarter exceeds that of the quarter before by no
more than 5 % (or by little in absolute terms). The first half is warm-up; with fewer than 40
samples (20 minutes) nothing is judged. What is kept longer than the run on purpose is listed with
what bounds it, and with what a month of it comes to.

exit code: 0 if all levels off, Druid equals the ledger and the window is reconciled; otherwise 1.
Ctrl-C or SIGTERM stops everything in order. Leave the machine alone: other work shows as growth."""

SIZE_DESCRIPTION = """\
Tell what a rate of events takes in the cloud: Kafka's partitions, producers, Druid's tasks and
processes, machines, storage, and what Google asks for it in a month. Nothing is started and no
account is needed. One machine if it can; above that a cluster of such machines."""

SIZE_EPILOG = """\
examples:
  ./ventas size --rate 1                       the demo: a sale every 1-2 s
  ./ventas size --rate 50000 --hours 24        around the clock, on the cheapest n2 that can
  ./ventas size --rate 50000 --machine n2-highmem-8
  ./ventas size --rate 1000000 --keep 7        a cluster; Druid keeps a week
  ./ventas size --rate 500 --json              for programs: US dollars, GiB, MiB

machine types: n2, n4, c3 and c4; standard, highmem and highcpu. What does not fit is refused with
the one that does. Prices: southamerica-east1, southamerica-west1, us-central1, from a public copy
of Google's list of a day that is shown; Confluent Cloud, Hyperdisk, traffic and taxes are not in.
How it is computed: docs/sizing.md."""

EXPECTED_ERRORS = (
    AirflowApiError,
    SettingsError,
    FolderError,
    DamagedSecretsError,
    PortsBusyError,
    JarError,
    MarketError,
    SizingError,
    WaitTimeoutError,
    stack.StackError,
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the process's exit code."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace, Settings, Console], int] = options.run
    environment.keep_loopback_from_proxies()
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show "ó" or "…" gets "?" instead of an exception.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        return run(options, Settings.from_environment(), Console())
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
        said = f"{error.stdout or ''}{error.stderr or ''}"[-4000:]
        print(
            f"ventas: {error.cmd[0]} failed with code {error.returncode}:\n{said}", file=sys.stderr
        )
        return 1
    except KeyboardInterrupt:
        print("ventas: interrupted; `./ventas status` shows what runs.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./ventas",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(
        name: str, run: Callable[[argparse.Namespace, Settings, Console], int], text: str
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    demo = command("demo", _demo, "run the whole job once and show that nothing was lost")
    demo.add_argument(
        "--minutes",
        type=_minutes,
        default=2,
        metavar="M",
        help="how long stores sell, 0.25 to 720 (default: %(default)s)",
    )
    demo.add_argument("--seed", type=_seed, default=2026, help="seed of the sales' content")
    test = command("test", _test, "run the tests: a contributor's, or the named suites")
    test.epilog, test.formatter_class = help_text(), argparse.RawDescriptionHelpFormatter
    test.add_argument(
        "suites",
        nargs="*",
        metavar="SUITE",
        help="suites, or `quick` or `full`; the table below tells what each proves",
    )
    test.add_argument("-k", metavar="EXPRESSION", help="only tests that match, as pytest's -k")
    test.add_argument(
        "--stacks",
        type=int,
        choices=(1, 2),
        help="stacks at once (default: 2 where 4 cores and 12 GiB are free, else 1)",
    )
    command("up", _up, "start the stack (the Druid VM is started by the DAG, or by demo)")
    command("down", _down, "stop every process of the stack")
    status = command("status", _status, "show addresses, processes and memory")
    status.add_argument("--json", action="store_true", help="for programs")
    status.add_argument(
        "--passwords",
        action="store_true",
        help="print Airflow's passwords even if the output is not a terminal",
    )
    logs = command("logs", _logs, "print a process's log and follow it")
    logs.add_argument("name", metavar="NAME", help="a process as `./ventas status` names it")
    logs.add_argument("-n", type=int, default=100, metavar="LINES", help="lines to begin with")
    logs.add_argument("--no-follow", action="store_true", help="end after those lines")
    market = command("market", _market, "check the market data: products, stores, payment mix")
    market.add_argument("action", choices=["check"], help="say what is wrong, or what there is")
    market.add_argument(
        "--folder", type=Path, default=DATA, metavar="FOLDER", help="default: the project's own"
    )
    plots = command("plots", _plots, "draw figures of simulated sales")
    plots.add_argument(
        "--folder",
        type=Path,
        default=ROOT / "docs" / "images",
        metavar="FOLDER",
        help="where to (default: the project's docs/images)",
    )
    plots.add_argument("--seed", type=_seed, default=2026, help="default: %(default)s")
    sizing = command("size", _size, "what a rate of events takes in the cloud, and what it costs")
    sizing.description, sizing.epilog = SIZE_DESCRIPTION, SIZE_EPILOG
    sizing.formatter_class = argparse.RawDescriptionHelpFormatter
    sizing.add_argument(
        "--rate", type=float, required=True, metavar="N", help="events a second, up to 1000000"
    )
    sizing.add_argument(
        "--machine", metavar="TYPE", help="machine type of Druid (default: the cheapest n2)"
    )
    sizing.add_argument(
        "--region", default="southamerica-east1", metavar="REGION", help="default: %(default)s"
    )
    sizing.add_argument(
        "--hours",
        type=_hours_a_day,
        default=12,
        metavar="H",
        help="of each day that stores sell, 0.1 to 24 (default: %(default)s)",
    )
    sizing.add_argument(
        "--keep",
        type=_days,
        default=30,
        metavar="DAYS",
        help="that Druid keeps, 1 to 400 (default: %(default)s; as it comes, it keeps 400)",
    )
    sizing.add_argument("--json", action="store_true", help="for programs")
    bench = command("bench", _bench, "measure the project against Kafka's tool, Faker and Druid")
    bench.description, bench.epilog = BENCH_DESCRIPTION, BENCH_EPILOG
    bench.formatter_class = argparse.RawDescriptionHelpFormatter
    bench.add_argument(
        "parts",
        nargs="*",
        type=_bench_part,
        metavar="NAME",
        help="only these (default: all but page)",
    )
    bench.add_argument("--quick", action="store_true", help="a tenth of the size: a first look")
    bench.add_argument("--json", action="store_true", help="for programs")
    chaos = command("chaos", _chaos, "kill each part while sales flow; nothing lost, nothing twice")
    chaos.description, chaos.epilog = CHAOS_DESCRIPTION, CHAOS_EPILOG
    chaos.formatter_class = argparse.RawDescriptionHelpFormatter
    chaos.add_argument(
        "--scenario",
        nargs="+",
        action="extend",
        choices=CHAOS_SCENARIOS,
        metavar="NAME",
        help="only these (default: all)",
    )
    chaos.add_argument(
        "--rounds", type=_rounds, default=5, metavar="N", help="of each, 1 to 100 (default: 5)"
    )
    chaos.add_argument("--json", action="store_true", help="for programs")
    soak = command("soak", _soak, "run for hours and tell whether anything grows without end")
    soak.description, soak.epilog = SOAK_DESCRIPTION, SOAK_EPILOG
    soak.formatter_class = argparse.RawDescriptionHelpFormatter
    soak.add_argument(
        "--hours",
        type=_hours,
        default=1,
        metavar="H",
        help="how long, 0.05 to 12 (default: %(default)s)",
    )
    soak.add_argument("--json", action="store_true", help="for programs")
    command("clean", _clean, "remove the state folder: data, logs, Airflow's database")
    return parser


def _minutes(text: str) -> float:
    return _between(text, 0.25, 720, "minutes")


def _hours(text: str) -> float:
    return _between(text, 0.05, 12, "hours")


def _hours_a_day(text: str) -> float:
    return _between(text, 0.1, 24, "hours")


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 400:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days from 1 to 400")
    return int(text)


def _between(text: str, least: float, most: float, unit: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of {unit}") from None
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"{text} is not between {least:g} and {most:g} {unit}")
    return number


def _seed(text: str) -> int:
    try:
        seed = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    try:
        check_seed(seed)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return seed


def _bench_part(text: str) -> str:
    # argparse's own `choices` would refuse an empty list of parts.
    if text not in BENCH_PARTS:
        raise argparse.ArgumentTypeError(
            f"there is no part {text!r}; there are: {', '.join(BENCH_PARTS)}"
        )
    return text


def _rounds(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rounds from 1 to 100")
    return int(text)


def _up(_: argparse.Namespace, settings: Settings, console: Console) -> int:
    with StackProgress(console) as progress:
        stack.up(settings, progress.callbacks())
    _print_addresses(settings, console)
    return 0


def _down(_: argparse.Namespace, settings: Settings, console: Console) -> int:
    killed = stack.down(settings)
    if killed:
        console.print(f"También se terminaron procesos sueltos: {killed}")
    console.print("Nada queda en marcha.")
    return 0


def _clean(_: argparse.Namespace, settings: Settings, console: Console) -> int:
    if not settings.home.exists():
        _say(console, f"No hay nada que borrar: {settings.home} no existe.")
        return 0
    stack.clean(settings, lambda held: _say(console, f"Se borra {settings.home}: {held}"))
    _say(console, f"Se borró {settings.home}")
    return 0


def _status(options: argparse.Namespace, settings: Settings, console: Console) -> int:
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
    _print_addresses(settings, console, passwords=options.passwords)
    return 0


def _logs(options: argparse.Namespace, settings: Settings, _: Console) -> int:
    file = settings.logs / f"{options.name}.log"
    logs = [log for log in settings.logs.glob("*.log") if log.is_file()]
    if file not in logs:
        names = ", ".join(sorted(log.stem for log in logs)) or "none yet"
        raise stack.StackError(f"There is no log of {options.name!r}; there are: {names}.")
    follow = [] if options.no_follow else ["-F"]
    os.execvp("tail", ["tail", "-n", str(options.n), *follow, str(file)])  # noqa: S606


def _market(options: argparse.Namespace, _: Settings, console: Console) -> int:
    market = load_market(options.folder)
    table = Table("tabla", "filas", title=str(options.folder), title_justify="left")
    for field in fields(market):
        table.add_row(field.name, str(len(getattr(market, field.name))))
    console.print(table)
    console.print("Los datos del mercado están bien.")
    console.print(
        f"Nota: los eventos con fecha (events.csv) terminan el {market.events_end:%d/%m/%Y}; "
        "después la demanda sigue solo con lo que se repite cada mes o año."
    )
    return 0


def _plots(options: argparse.Namespace, _: Settings, console: Console) -> int:
    from commands.plots import draw_all

    for path in draw_all(options.folder, options.seed):
        console.print(str(path), soft_wrap=True, highlight=False)
    return 0


def _size(options: argparse.Namespace, _: Settings, console: Console) -> int:
    from commands.size import run_size

    return run_size(
        console,
        rate=options.rate,
        machine_type=options.machine,
        region=options.region,
        hours=options.hours,
        keep=options.keep,
        as_json=options.json,
    )


def _demo(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    from commands.demo import run_demo

    return run_demo(settings, console, minutes=options.minutes, seed=options.seed)


def _bench(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    from commands.bench.run import run_bench

    folder.claim(settings.home)
    return run_bench(
        settings,
        console,
        names=options.parts,
        quick=options.quick,
        as_json=options.json,
    )


def _chaos(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    from commands.chaos.run import run_chaos

    folder.claim(settings.home)
    return run_chaos(
        settings,
        console,
        names=options.scenario or (),
        rounds=options.rounds,
        as_json=options.json,
    )


def _soak(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    from commands.soak.run import run_soak

    folder.claim(settings.home)
    return run_soak(settings, console, hours=options.hours, as_json=options.json)


def _test(options: argparse.Namespace, settings: Settings, _: Console) -> int:
    from commands.test.runner import run_suites

    folder.claim(settings.home)
    return run_suites(options.suites, options.k, settings.home, options.stacks)


def _print_addresses(settings: Settings, console: Console, *, passwords: bool = False) -> None:
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


def _say(console: Console, text: str) -> None:
    """Print a text with file names, without rich's markup and line breaks in them."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
