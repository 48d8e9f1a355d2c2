"""Routes of the view «Salud»: one for the state of the flow, one to resume ingestion.

The browser reads and changes runs and tasks in Airflow's own API, so Airflow's permissions hold. It
sends the runs that it has read, and `include.page.flow_rules` judges the parts with them.
"""

import asyncio
import logging
from collections.abc import Callable, Hashable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

import msgspec
from airflow.sdk.exceptions import AirflowException
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from include.druid.client import SupervisorMissingError
from include.druid.ledger import closed_minutes
from include.names import CLOCK_SKEW, DATASOURCE, LEDGER_TOPIC, PUBLISH_TASK, TOPIC, WINDOW_DAG
from include.page import flow_health, flow_rules
from include.page.flow_health import LOOKBACK, Part
from include.page.flow_rules import Run, Trouble, Validation
from include.page.vm_card import running
from include.stream.errors import StreamError
from include.stream.ledger import read_run
from include.stream.reader import offsets_of
from include.stream.topics import TopicMissingError
from ventas_airflow.concurrent_runs import SHARERS
from ventas_airflow.ledger import read_sides
from ventas_airflow.page.access import Asking, CanRun, MayRun
from ventas_airflow.page.answer_cache import AnswerCache
from ventas_airflow.page.errors import UNEXPECTED, code_of, decoded
from ventas_airflow.page.fair_threads import BusyError
from ventas_airflow.page.services import (
    Viewer,
    ViewerLeftError,
    acts,
    druid,
    kafka_config,
)
from ventas_airflow.vm import vm_of, zones_of

log = logging.getLogger(__name__)

T = TypeVar("T")

router = APIRouter()
_shared: Final = AnswerCache()

#: Seconds for a request to Kafka, and for reading the ledger.
_KAFKA_TIMEOUT, _LEDGER_TIMEOUT = 4.0, 6.0

#: The minutes that differed in the last comparison with the ledger.
_differed: set[str] = set()


class Asked(msgspec.Struct, frozen=True):
    """Body of a request for the flow: what the browser read in Airflow's API.

    Attributes:
        runs: the queued and running runs of all DAGs; None if the browser could not read them.
        validations: the last runs of the validation, the newest first; None as above.
        defaults: the values that the window's form has before a user changes them.
    """

    runs: Annotated[list[Run], msgspec.Meta(max_length=100)] | None = None
    validations: Annotated[list[Validation], msgspec.Meta(max_length=100)] | None = None
    defaults: dict[str, Any] = {}


@router.get("/api/permissions")
def permissions(may_run: MayRun) -> dict[str, bool]:
    """Return the viewer's permissions; ``run``: trigger and stop windows, resume the ingestion."""
    return {"run": may_run}


@router.post("/api/health")
async def health(request: Request, viewer: Asking) -> dict[str, Any]:
    """Return each part of the flow, judged with the runs in the request's body (`Asked`).

    A part whose service fails has a state and a reason all the same, and does not affect the other
    parts. A part that the browser could not read is left out.
    """
    asked = decoded(await request.body(), Asked)
    windows = [run for run in asked.runs or () if run.dag_id == WINDOW_DAG]
    found, committed = await asyncio.gather(
        _found(viewer), asyncio.gather(*(_committed(viewer, run) for run in windows))
    )
    now = datetime.now(UTC)
    parts = flow_rules.judge(
        found,
        None if asked.runs is None else windows,
        any(run.dag_id in SHARERS for run in asked.runs or ()),
        asked.defaults,
        now,
    )
    if asked.runs is not None:
        parts["windows"] = flow_rules.windows_part(windows, now)
    if asked.validations is not None:
        parts["validation"] = flow_rules.validation_part(asked.validations)
    return {
        "state": flow_rules.worst(part.state for part in parts.values()),
        "parts": {name: part.to_dict() for name, part in parts.items()},
        "windows": [
            _window(run, part, asked.defaults) for run, part in zip(windows, committed, strict=True)
        ],
        "validations": [flow_rules.validation_state(run) for run in asked.validations or ()],
        "can_resume": parts["supervisor"].reason in ("suspended", "suspended_selling"),
    }


@router.post("/api/supervisor/resume", dependencies=[CanRun], response_model=None)
async def resume(viewer: Asking) -> dict[str, bool] | JSONResponse:
    """Resume the supervisor; harmless if it is not suspended."""
    try:
        await viewer.run(acts, lambda: druid().resume_supervisor(DATASOURCE))
    except SupervisorMissingError as error:
        return JSONResponse({"code": "no_supervisor", "error": str(error)}, 404)
    return {"resumed": True}


async def _found(viewer: Viewer) -> dict[str, Part | Trouble]:
    """Return the parts that services answer, at once, by name."""
    looks: dict[str, tuple[float, Callable[[], Any]]] = {
        "sales": (3.0, _sales),
        "ledger": (15.0, _ledger),
        "supervisor": (3.0, _supervisor),
        "kafka": (3.0, _kafka),
        "vm": (10.0, _vm),
    }
    answers = await asyncio.gather(
        *(_answer(viewer, name, name, *look) for name, look in looks.items())
    )
    found = dict(zip(looks, answers, strict=True))
    sales = found.pop("sales")
    both = {"cadence": sales, "freshness": sales} if isinstance(sales, Trouble) else sales
    return both | found


async def _committed(viewer: Viewer, run: Run) -> Part | None:
    """Return what a window has committed, by the ledger; None before it begins."""
    if not run.start_date:
        return None
    # The minute only, so that the requests of all viewers share an answer.
    since = run.run_after.astimezone(UTC).replace(second=0, microsecond=0)
    key = ("window", run.dag_run_id, since)
    found = await _answer(viewer, "window", key, 5.0, lambda: _sold_so_far(run.dag_run_id, since))
    return found.part() if isinstance(found, Trouble) else found


async def _answer(
    viewer: Viewer, name: str, key: Hashable, seconds: float, look: Callable[[], T]
) -> T | Trouble:
    """Return the shared answer of `look`, or the trouble that it has.

    Raises:
        BusyError: the viewer has too many requests at once.
        ViewerLeftError: the viewer has closed the connection.
    """
    try:
        answer: T = await _shared.get(viewer, key, seconds, look)
    except (BusyError, ViewerLeftError):
        raise
    except Exception as error:
        code = code_of(error)
        if code == UNEXPECTED:
            log.exception("The part %r of the flow failed unexpectedly", name)
        return Trouble(code, f"health/{name}" if code == UNEXPECTED else str(error))
    return answer


def _window(run: Run, committed: Part | None, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a window is shown, and whether and by which task it can be stopped."""
    stage = flow_rules.stage(run)
    task = flow_rules.publisher(run)
    first_sale = committed.since if committed and committed.reason == "selling" else None
    is_selling = stage in ("publishing", "retrying")
    return {
        "run": run.dag_run_id,
        "stage": stage,
        "committed": committed and committed.to_dict(),
        "ends": flow_rules.planned_end(run, defaults, first_sale) if is_selling else None,
        "publisher": task.task_id if task else PUBLISH_TASK,
        "can_stop": is_selling or stage == "opening",
    }


def _sales() -> dict[str, Part]:
    return flow_health.read_sales(druid(), DATASOURCE, datetime.now(UTC))


def _supervisor() -> Part:
    try:
        return flow_health.supervisor(druid().supervisor_status(DATASOURCE))
    except SupervisorMissingError:
        return flow_health.supervisor(None)


def _kafka() -> Part:
    config = kafka_config()
    numbers: dict[str, Any] = {"address": config["bootstrap.servers"], "partitions": []}
    try:
        for topic in (TOPIC, LEDGER_TOPIC):
            held = offsets_of(config, topic, timeout=_KAFKA_TIMEOUT)
            numbers["partitions"] += [
                {"topic": topic, "partition": partition, **offsets._asdict()}
                for partition, offsets in sorted(held.items())
            ]
    except TopicMissingError:
        return Part("none", "no_topic", numbers=numbers)
    except StreamError:
        return Part("bad", "kafka_unreachable", numbers=numbers)
    return Part("good", "kafka_answers", numbers=numbers)


def _ledger() -> Part:
    global _differed
    start, end = closed_minutes(datetime.now(UTC), LOOKBACK)
    config = kafka_config()
    try:
        sides = read_sides(
            druid(), config, DATASOURCE, LEDGER_TOPIC, start, end, time_limit=_LEDGER_TIMEOUT
        )
    except StreamError as error:
        return _unread(config, error)
    part = flow_health.equality(*sides, before=_differed)
    _differed = {row["minute"] for row in part.numbers["minutes"] if row["state"] == "differs"}
    return part


def _sold_so_far(run: str, since: datetime) -> Part:
    config = kafka_config()
    try:
        run_so_far = read_run(
            config, LEDGER_TOPIC, run, since=since - CLOCK_SKEW, time_limit=_LEDGER_TIMEOUT
        )
    except StreamError as error:
        return _unread(config, error)
    if run_so_far.first_ts is None:
        return Part("none", "no_sales")
    numbers = {
        "sales": run_so_far.sales,
        "events": run_so_far.total.eventos,
        "revenue_centavos": run_so_far.revenue_centavos,
        "first_ts": run_so_far.first_ts,
        "last_ts": run_so_far.last_ts,
    }
    return Part("good", "selling", datetime.fromisoformat(run_so_far.first_ts), numbers)


def _unread(config: dict[str, Any], error: StreamError) -> Part:
    """Return a part for a ledger that cannot be read; the error's text is for developers."""
    numbers = {"address": config["bootstrap.servers"], "message": str(error)}
    missing = isinstance(error, TopicMissingError)
    return Part("none", "no_topic" if missing else "ledger_unread", numbers=numbers)


def _vm() -> Part:
    # Importing the provider takes three seconds, so the API server imports it only here.
    from ventas_airflow.hooks.compute import VentasComputeEngineHook, zone_of

    hook = VentasComputeEngineHook()
    extra = hook.get_connection(hook.gcp_conn_id).extra_dejson
    place = vm_of(extra)
    try:
        found = hook.find(**place, retries=0)
    except AirflowException as error:
        return Part("none", "compute_unreachable", numbers={"message": str(error)})
    zone = zone_of(found) if found else zones_of(place["zones"])[0]
    own_price = extra.get("usd_per_hour")
    part = running(found, zone, datetime.now(UTC), None if own_price is None else float(own_price))
    # The page says if Compute Engine is emulated, since an emulator costs nothing.
    endpoint = str(extra.get("api_endpoint") or "")
    part.numbers["emulated"] = bool(endpoint) and "googleapis.com" not in endpoint
    return part
