"""Fill past days, run one window and one validation, and show that no event was lost."""

import argparse
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from commands import options as types
from commands.progress import StackProgress
from commands.visible_sales import VisibleSales
from include.names import (
    BACKFILL_DAG,
    RECONCILE_TASK,
    SUMMARY_TASK,
    VALIDATION_DAG,
    WINDOW_DAG,
)
from include.sales.event import Venta
from include.sales.limits import MOST_DAYS
from include.sales.sale_line import money, sale_line
from include.stack import airflow, security, stack
from include.stack.airflow_api import ENDED, AirflowApi, AirflowApiError
from include.stack.settings import Settings
from include.stack.stack import StackError
from include.texts import in_terminal_language, terminal_text
from include.waiting import Polling

if TYPE_CHECKING:
    from commands.history import History

#: Seconds that a run may take in addition to the window itself: VM, Druid, hand-off, validation.
_MARGIN = 480.0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--minutes",
        type=types.number(0.25, 720, "minutes"),
        default=2,
        metavar="M",
        help="minutes for which stores sell, 0.25 to 720 (default: %(default)s)",
    )
    types.add_seed(parser)
    past = parser.add_mutually_exclusive_group()
    past.add_argument(
        "--history",
        type=types.whole_number(1, MOST_DAYS, "days"),
        default=14,
        metavar="DAYS",
        help="whole days before today to fill, and today until now (default: %(default)s)",
    )
    past.add_argument(
        "--no-history",
        dest="history",
        action="store_const",
        const=0,
        help="fill no past days: the page has nothing to compare with",
    )


def run(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Run back-fill, window and validation; return 0 only if all succeed and all counts agree."""
    started = time.monotonic()
    with StackProgress(console) as progress:
        stack.up(settings, progress.callbacks())
        progress.step(terminal_text("cli.stack.steps.dags"))
        api = AirflowApi(settings.url("airflow"), airflow.USER, airflow.password(settings))
        wait_for_dags(api)
    window = _Window(api, settings, console, started)
    run_id = window.trigger(options.minutes, options.seed, options.history)
    state = window.follow(run_id, options.minutes * 60 + _MARGIN, options.history)
    found = api.xcom(WINDOW_DAG, run_id, RECONCILE_TASK)
    if state != "success" or not found:
        _print_failures(api, WINDOW_DAG, run_id, console)
        ended = terminal_text("cli.demo.ended", run=run_id, state=state)
        console.print(f"[bold red]{ended}[/]")
        return 1
    past = window.history
    filled = past is None or past.wait(window.say)
    if past and not filled:
        _print_failures(api, BACKFILL_DAG, past.run, console)
    valid = _validate(api, console)
    _print_results(console, found, window.freshness, window.first_sale)
    for sentence in past.sentences() if past else ():
        console.print(sentence, highlight=False, soft_wrap=True)
    _print_where(settings, console)
    return 0 if found["equal"] and valid and filled else 1


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
        #: The back-fill that runs at the same time, once it is triggered.
        self.history: History | None = None
        self.freshness: list[float] = []
        #: Seconds from the start of the command until an SQL query shows the first sale.
        self.first_sale: float | None = None

    def trigger(self, minutes: float, seed: int, days: int) -> str:
        """Trigger the window; if past days will be filled, it has their incident, too."""
        active = self._api.active_runs(WINDOW_DAG)
        if active:
            raise StackError(
                f"The window {active[0]} is open already: wait for its end, or mark it as failed "
                f"at {self._settings.url('airflow')}; then run the demo again."
            )
        self._was_paused = bool(self._api.dag(WINDOW_DAG)["is_paused"])
        self._api.set_paused(WINDOW_DAG, False)
        conf: dict[str, Any] = {"duration_minutes": minutes, "seed": seed, "keep_vm": True}
        if days:
            from commands.history import LIVE_INCIDENT

            conf["incidents"] = [LIVE_INCIDENT]
        return self._api.trigger(WINDOW_DAG, conf)

    def follow(self, run: str, seconds: float, days: int) -> str:
        """Show stages and sales until the run ends; return the run's state.

        Once a sale is visible, past days are filled: before, they would only delay the window.
        """
        client = security.druid_client(self._settings, retries=0)
        live = VisibleSales(client, run, self._show)
        live.start()
        shown: dict[str, str] = {}
        try:
            for _ in Polling(seconds, interval=0.5):
                state = self._api.run_state(WINDOW_DAG, run)
                self._show_stages(run, shown)
                if days and (self.first_sale or state == "success"):
                    self._fill(days)
                if state in ENDED:
                    return state
                if state == "queued":
                    self._check_turn(run)
        finally:
            live.stop()
            # The user decides whether scheduled windows open, so the demo restores the DAG's pause.
            self._api.set_paused(WINDOW_DAG, self._was_paused)
            self.freshness = live.freshness
        raise StackError(
            f"The window {run} has not ended in time: look at its tasks at "
            f"{self._settings.url('airflow')}/dags/{WINDOW_DAG}/runs/{run}"
        )

    def _fill(self, days: int) -> None:
        """Begin the back-fill of past days; if it has begun, say how it has ended."""
        from commands.history import History

        if self.history:
            self.history.look(self.say)
        else:
            self.history = History(self._api, self._settings, days)
            self.say(terminal_text("cli.demo.history.begun", days=days))

    def _check_turn(self, run: str) -> None:
        """Raise if a scheduled window opened first: it could take hours to end."""
        if others := [other for other in self._api.active_runs(WINDOW_DAG) if other != run]:
            raise StackError(
                f"The window {others[0]} opened first, and {run} waits for its end: mark one of "
                f"the two as failed at {self._settings.url('airflow')}, then run the demo again."
            )

    def _show_stages(self, run: str, shown: dict[str, str]) -> None:
        for task in self._api.tasks(WINDOW_DAG, run):
            state = task["state"] or ""
            if state in _STATES and shown.get(task["task_id"]) != state:
                shown[task["task_id"]] = state
                label = f"[{_STATES[state]}]{terminal_text(f'cli.demo.states.{state}')}[/]"
                self.say(f"[bold]{task['task_display_name']}[/]: {label}")

    def _show(self, sale: Venta, age: float) -> None:
        if self.first_sale is None:
            self.first_sale = time.monotonic() - self._started
        delay = terminal_text("cli.demo.in_druid", ms=f"{age * 1000:.0f}")
        with in_terminal_language():
            line = sale_line(sale)
        self.say(f"{line} [dim]· {delay}[/]")

    def say(self, text: str) -> None:
        """Print a text after the seconds since the command began."""
        elapsed = time.monotonic() - self._started
        self._console.print(f"[dim]{elapsed:6.1f} s[/]  {text}", highlight=False, soft_wrap=True)


#: Colours of the states of a task, and of the results of a check.
_STATES = {
    "running": "cyan",
    "success": "green",
    "failed": "red",
    "upstream_failed": "red",
    "skipped": "yellow",
}
_DAGS = (WINDOW_DAG, BACKFILL_DAG, VALIDATION_DAG)
_STATUSES = {"ok": "green", "warning": "yellow", "error": "red", "skipped": "dim"}


def wait_for_dags(api: AirflowApi, dags: Sequence[str] = _DAGS) -> None:
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
    raise StackError(f"Airflow did not load the DAGs: {why}")


def _validate(api: AirflowApi, console: Console) -> bool:
    """Run the validation DAG once, print its summary and return whether it passed."""
    api.set_paused(VALIDATION_DAG, False)
    run = api.trigger(VALIDATION_DAG, {})
    state = api.wait_for_end(VALIDATION_DAG, run, 180)
    summary = api.xcom(VALIDATION_DAG, run, SUMMARY_TASK)
    columns = (terminal_text(f"cli.demo.validation.{it}") for it in ("check", "result", "detail"))
    table = Table(*columns, title=terminal_text("cli.demo.validation.title"))
    for check in (summary or {}).get("results", []):
        status = terminal_text(f"check_message.status.{check['status']}")
        shown = f"[{_STATUSES[check['status']]}]{status}[/]"
        table.add_row(check["title"], shown, check["message"])
    console.print(table)
    if state != "success":
        _print_failures(api, VALIDATION_DAG, run, console)
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
    def add(key: str, value: object) -> None:
        table.add_row(terminal_text(f"cli.demo.result.{key}"), str(value))

    title = terminal_text("cli.demo.result.title", run=found["run"])
    table = Table(title=title, show_header=False)
    if sales := found["results"].get("sales"):
        add("sales", sales)
    add("committed", found["committed"])
    add("in_kafka", found["in_kafka"])
    add("in_druid", found["in_druid"])
    add("lost", found["lost"])
    add("duplicated", found["duplicated"])
    if freshness:
        import numpy as np

        p50, p95 = np.percentile(freshness, [50, 95]) * 1000
        add("freshness", f"p50 {p50:.0f} ms, p95 {p95:.0f} ms")
    if first_sale is not None:
        seconds = f"{first_sale:.1f}"
        add("first_sale", terminal_text("cli.demo.result.since_command", seconds=seconds))
    results = found["results"]
    add("income", money(results["revenue_centavos"]))
    table.add_section()
    for product in results["products"]:
        table.add_row(product["producto"], money(product["revenue_centavos"]))
    table.add_section()
    for payment in results["payments"]:
        share = payment["revenue_centavos"] / results["revenue_centavos"]
        shown = {"share": f"{share:.1%}", "sales": payment["sales"]}
        table.add_row(payment["tipo_pago"], terminal_text("cli.demo.result.share", **shown))
    console.print(table)
    key, colour = ("agrees", "green") if found["equal"] else ("differs", "red")
    console.print(f"[bold {colour}]{terminal_text(f'cli.demo.result.{key}')}[/]")


def _print_where(settings: Settings, console: Console) -> None:
    console.print(
        terminal_text(
            "cli.demo.where",
            airflow=settings.url("airflow"),
            login=airflow.login_text(settings, airflow.USER),
            page=f"{settings.url('airflow')}{airflow.PAGE}",
            druid=security.druid_url(settings),
        ),
        highlight=False,
        soft_wrap=True,
    )
