"""Run the whole job once and show that nothing was lost."""

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from commands import options as types
from commands.progress import StackProgress
from commands.visible_sales import VisibleSales
from include.sales.event import Venta
from include.sales.sale_line import money, sale_line
from include.stack import airflow, security, stack
from include.stack.airflow_api import ENDED, AirflowApi, AirflowApiError
from include.stack.settings import Settings
from include.stack.stack import StackError
from include.waiting import Polling

WINDOW, VALIDATION = "sales_window", "sales_validation"

#: Seconds that a run may take in addition to the window itself: VM, Druid, hand-off, validation.
_MARGIN = 480.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "--minutes",
        type=types.number(0.25, 720, "minutes"),
        default=2,
        metavar="M",
        help="how long stores sell, 0.25 to 720 (default: %(default)s)",
    )
    parser.add_argument("--seed", type=types.seed, default=2026, help="seed of the sales' content")


def run(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Run one window and one validation; return 0 only if both succeed and all counts agree."""
    started = time.monotonic()
    with StackProgress(console) as progress:
        stack.up(settings, progress.callbacks())
        progress.step("Esperando los DAGs")
        api = AirflowApi(settings.url("airflow"), airflow.USER, airflow.password(settings))
        wait_for_dags(api)
    window = _Window(api, settings, console, started)
    run_id = window.trigger(options.minutes, options.seed)
    state = window.follow(run_id, options.minutes * 60 + _MARGIN)
    found = api.xcom(WINDOW, run_id, "reconcile")
    if state != "success" or not found:
        _print_failures(api, WINDOW, run_id, console)
        console.print(f"[bold red]La ventana {run_id} terminó como {state}.[/]")
        return 1
    valid = _validate(api, console)
    _print_results(console, found, window.freshness, window.first_sale)
    _print_where(settings, console)
    return 0 if found["coinciden"] and valid else 1


class _Window:
    """A triggered window, whose stages and sales are printed on the console."""

    def __init__(
        self, api: AirflowApi, settings: Settings, console: Console, started: float
    ) -> None:
        self._api = api
        self._settings = settings
        self._console = console
        self._started = started
        self._was_paused = True
        self.freshness: list[float] = []
        #: Seconds from the start of the command until an SQL query shows the first sale.
        self.first_sale: float | None = None

    def trigger(self, minutes: float, seed: int) -> str:
        active = self._api.active_runs(WINDOW)
        if active:
            raise StackError(
                f"A window is open already ({active[0]}): wait for its end or mark it as failed at "
                f"{self._settings.url('airflow')}, then run the demo again."
            )
        self._was_paused = bool(self._api.dag(WINDOW)["is_paused"])
        self._api.set_paused(WINDOW, False)
        conf = {"duration_minutes": minutes, "seed": seed, "keep_vm": True}
        return self._api.trigger(WINDOW, conf)

    def follow(self, run: str, seconds: float) -> str:
        """Show stages and sales until the run ends; return the run's state."""
        client = security.druid_client(self._settings, retries=0)
        live = VisibleSales(client, run, self._show)
        live.start()
        shown: dict[str, str] = {}
        try:
            for _ in Polling(seconds, interval=0.5):
                state = self._api.run_state(WINDOW, run)
                self._show_stages(run, shown)
                if state in ENDED:
                    return state
                if state == "queued":
                    self._check_turn(run)
        finally:
            live.stop()
            # The user decides whether scheduled windows open, so the demo restores the DAG's pause.
            self._api.set_paused(WINDOW, self._was_paused)
            self.freshness = live.freshness
        raise StackError(
            f"The window {run} has not ended in time; see it at "
            f"{self._settings.url('airflow')}/dags/{WINDOW}/runs/{run}"
        )

    def _check_turn(self, run: str) -> None:
        """Raise if a scheduled window opened first: it could take hours to end."""
        if others := [other for other in self._api.active_runs(WINDOW) if other != run]:
            raise StackError(
                f"The window {others[0]} opened first, and {run} waits for its end: mark one of "
                f"them as failed at {self._settings.url('airflow')}, then run the demo again."
            )

    def _show_stages(self, run: str, shown: dict[str, str]) -> None:
        for task in self._api.tasks(WINDOW, run):
            state = task["state"] or ""
            if state in _STATES and shown.get(task["task_id"]) != state:
                shown[task["task_id"]] = state
                self._say(f"[bold]{task['task_display_name']}[/]: {_STATES[state]}")

    def _show(self, sale: Venta, age: float) -> None:
        if self.first_sale is None:
            self.first_sale = time.monotonic() - self._started
        self._say(f"{sale_line(sale)} [dim]· en Druid a los {age * 1000:.0f} ms[/]")

    def _say(self, text: str) -> None:
        elapsed = time.monotonic() - self._started
        self._console.print(f"[dim]{elapsed:6.1f} s[/]  {text}", highlight=False, soft_wrap=True)


_STATES = {
    "running": "[cyan]en curso[/]",
    "success": "[green]listo[/]",
    "failed": "[red]falló[/]",
    "upstream_failed": "[red]no corrió, falló una tarea anterior[/]",
    "skipped": "[yellow]omitida[/]",
}

_STATUSES = {
    "ok": "[green]bien[/]",
    "warning": "[yellow]aviso[/]",
    "error": "[red]error[/]",
    "skipped": "[dim]omitida[/]",
}


def wait_for_dags(api: AirflowApi, dags: Sequence[str] = (WINDOW, VALIDATION)) -> None:
    """Wait until Airflow has these DAGs; raise `StackError` with the reason if it does not."""
    why = ""
    for _ in Polling(90, interval=0.5):
        try:
            for dag in dags:
                api.dag(dag)
        except AirflowApiError as error:
            why = str(error)
        else:
            return
        if errors := api.import_errors():
            why = errors[0]["stack_trace"]
            break
    raise StackError(f"Airflow does not have the DAGs: {why}")


def _validate(api: AirflowApi, console: Console) -> bool:
    """Run the validation DAG once, print its summary and return whether it passed."""
    api.set_paused(VALIDATION, False)
    run = api.trigger(VALIDATION, {})
    state = api.wait_for_end(VALIDATION, run, 180)
    summary = api.xcom(VALIDATION, run, "summary")
    table = Table("validación", "resultado", "detalle", title="Validación en Druid")
    for check in (summary or {}).get("results", []):
        table.add_row(check["title"], _STATUSES[check["status"]], check["message"])
    console.print(table)
    if state != "success":
        _print_failures(api, VALIDATION, run, console)
    return state == "success"


def _print_failures(api: AirflowApi, dag: str, run: str, console: Console) -> None:
    for task in api.tasks(dag, run):
        if task["state"] == "failed":
            log = api.log(dag, run, task["task_id"], task["try_number"], task["map_index"])
            console.rule(f"[red]{task['task_display_name']}[/]")
            console.print("\n".join(log.splitlines()[-30:]), markup=False, highlight=False)


def _print_results(
    console: Console, found: dict[str, Any], freshness: list[float], first_sale: float | None
) -> None:
    table = Table(title=f"Conciliación de {found['corrida']}", show_header=False)
    if ventas := found["resultados"].get("ventas"):
        table.add_row("Ventas", str(ventas))
    table.add_row("Eventos confirmados por Kafka", str(found["confirmadas"]))
    table.add_row("En Kafka (read_committed)", str(found["en_kafka"]))
    table.add_row("En Druid", str(found["en_druid"]))
    table.add_row("Perdidas", str(found["perdidas"]))
    table.add_row("Duplicadas", str(found["duplicadas"]))
    if freshness:
        p50, p95 = np.percentile(freshness, [50, 95]) * 1000
        table.add_row("Frescura, de la venta a SQL", f"p50 {p50:.0f} ms, p95 {p95:.0f} ms")
    if first_sale is not None:
        table.add_row("Primera venta visible", f"{first_sale:.1f} s desde el comando")
    results = found["resultados"]
    table.add_row("Facturado (aprobadas menos devueltas)", money(results["facturado_centavos"]))
    table.add_section()
    for product in results["productos"]:
        table.add_row(product["producto"], money(product["facturado_centavos"]))
    table.add_section()
    for payment in results["pagos"]:
        share = payment["facturado_centavos"] / results["facturado_centavos"]
        table.add_row(payment["tipo_pago"], f"{share:.1%} en {payment['ventas']} ventas")
    console.print(table)
    verdict = "[bold green]Nada perdido, nada duplicado.[/]"
    console.print(verdict if found["coinciden"] else "[bold red]Los números no coinciden.[/]")


def _print_where(settings: Settings, console: Console) -> None:
    console.print(
        f"Todo sigue en marcha. Airflow: {settings.url('airflow')} "
        f"({airflow.login_text(settings, airflow.USER)}). "
        f"Ventas en vivo: {settings.url('airflow')}{airflow.PAGE}. "
        f"Druid: {security.druid_url(settings)}. "
        "Para detener todo: ./ventas down",
        highlight=False,
        soft_wrap=True,
    )
