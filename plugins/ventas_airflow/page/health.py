"""Routes of the view «Salud del flujo»: one for each part of the flow, and one to resume ingestion.

The browser reads and changes runs and tasks in Airflow's own API, so Airflow's permissions hold.
`app` turns Druid's errors into HTTP answers.
"""

from collections.abc import Callable, Hashable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from airflow.sdk.exceptions import AirflowException
from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime

from include.druid.client import SupervisorMissingError
from include.druid.ledger import closed_minutes
from include.page import flow_health
from include.page.flow_health import LOOKBACK, Part
from include.page.vm_card import running
from include.stream.errors import StreamError
from include.stream.ledger import read_run
from include.stream.reader import offsets_of
from include.stream.topics import TopicMissingError
from ventas_airflow.ledger import read_sides
from ventas_airflow.page.access import Asking, CanRun, MayRun
from ventas_airflow.page.answer_cache import AnswerCache
from ventas_airflow.page.services import DATASOURCE, Viewer, acts, druid, kafka_config
from ventas_airflow.vm import vm_of, zones_of

router = APIRouter()
_shared: Final = AnswerCache()

LEDGER: Final = f"{DATASOURCE}.ledger"

#: Seconds for a request to Kafka, and for reading the ledger.
_KAFKA_TIMEOUT, _LEDGER_TIMEOUT = 4.0, 6.0

_CLOCK_SKEW: Final = timedelta(minutes=10)

#: The minutes that differed in the last comparison with the ledger.
_differed: set[str] = set()


@router.get("/api/permissions")
def permissions(may_run: MayRun) -> dict[str, bool]:
    """Return the viewer's permissions; ``run``: trigger and stop windows, resume the ingestion."""
    return {"run": may_run}


@router.get("/api/health/sales")
async def sales(viewer: Asking) -> dict[str, Any]:
    """Return the parts `cadence` and `freshness`."""

    def look() -> dict[str, Any]:
        found = flow_health.read_sales(druid(), DATASOURCE, datetime.now(UTC))
        return {name: part.to_dict() for name, part in found.items()}

    answer: dict[str, Any] = await _shared.get(viewer, "sales", 3.0, look)
    return answer


@router.get("/api/health/supervisor")
async def supervisor(viewer: Asking) -> dict[str, Any]:
    """Return the state of the supervisor that ingests the sales."""
    return await _part(viewer, "supervisor", 3.0, _supervisor)


@router.get("/api/health/kafka")
async def kafka(viewer: Asking) -> dict[str, Any]:
    """Return the offsets of each partition of the sales topic and of the ledger topic."""
    return await _part(viewer, "kafka", 3.0, _kafka)


@router.get("/api/health/ledger")
async def ledger(viewer: Asking) -> dict[str, Any]:
    """Return whether Druid equals the ledger, minute by minute."""
    return await _part(viewer, "ledger", 15.0, _ledger)


@router.get("/api/health/vm")
async def vm(viewer: Asking) -> dict[str, Any]:
    """Return the state and the cost of Druid's VM."""
    return await _part(viewer, "vm", 10.0, _vm)


@router.get("/api/health/window")
async def window(
    viewer: Asking,
    run: Annotated[str, Query(min_length=1, max_length=250)],
    since: AwareDatetime,
) -> dict[str, Any]:
    """Return what a run that began at `since` or later has committed, by the ledger."""
    minute = since.astimezone(UTC).replace(second=0, microsecond=0)
    return await _part(viewer, ("window", run, minute), 5.0, lambda: _window(run, minute))


@router.post("/api/supervisor/resume", dependencies=[CanRun], response_model=None)
async def resume(viewer: Asking) -> dict[str, bool] | JSONResponse:
    """Resume the supervisor; harmless if it is not suspended."""
    try:
        await viewer.run(acts, lambda: druid().resume_supervisor(DATASOURCE))
    except SupervisorMissingError as error:
        return JSONResponse({"code": "no_supervisor", "error": str(error)}, 404)
    return {"resumed": True}


async def _part(
    viewer: Viewer, key: Hashable, seconds: float, look: Callable[[], Part]
) -> dict[str, Any]:
    answer: dict[str, Any] = await _shared.get(viewer, key, seconds, lambda: look().to_dict())
    return answer


def _supervisor() -> Part:
    try:
        return flow_health.supervisor(druid().supervisor_status(DATASOURCE))
    except SupervisorMissingError:
        return flow_health.supervisor(None)


def _kafka() -> Part:
    config = kafka_config()
    numbers: dict[str, Any] = {"direccion": config["bootstrap.servers"], "particiones": []}
    try:
        for topic in (DATASOURCE, LEDGER):
            held = offsets_of(config, topic, timeout=_KAFKA_TIMEOUT)
            numbers["particiones"] += [
                {"topico": topic, "particion": partition, **offsets._asdict()}
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
            druid(), config, DATASOURCE, LEDGER, start, end, time_limit=_LEDGER_TIMEOUT
        )
    except StreamError as error:
        return _unread(config, error)
    part = flow_health.equality(*sides, before=_differed)
    _differed = {row["minuto"] for row in part.numbers["minutos"] if row["estado"] == "distinto"}
    return part


def _window(run: str, since: datetime) -> Part:
    config = kafka_config()
    try:
        run_so_far = read_run(
            config, LEDGER, run, since=since - _CLOCK_SKEW, time_limit=_LEDGER_TIMEOUT
        )
    except StreamError as error:
        return _unread(config, error)
    if run_so_far.first_ts is None:
        return Part("none", "no_sales")
    numbers = {
        "ventas": run_so_far.sales,
        "eventos": run_so_far.total.eventos,
        "facturado_centavos": run_so_far.revenue_centavos,
        "primera": run_so_far.first_ts,
        "ultima": run_so_far.last_ts,
    }
    return Part("good", "selling", datetime.fromisoformat(run_so_far.first_ts), numbers)


def _unread(config: dict[str, Any], error: StreamError) -> Part:
    """Return a part for a ledger that cannot be read; the error's text is for developers."""
    told = {"direccion": config["bootstrap.servers"], "mensaje": str(error)}
    missing = isinstance(error, TopicMissingError)
    return Part("none", "no_topic" if missing else "ledger_unread", numbers=told)


def _vm() -> Part:
    # Importing the provider takes three seconds, so the API server imports it only here.
    from ventas_airflow.hooks.compute import VentasComputeEngineHook, zone_of

    hook = VentasComputeEngineHook()
    extra = hook.get_connection(hook.gcp_conn_id).extra_dejson
    place = vm_of(extra)
    try:
        found = hook.find(**place, retries=0)
    except AirflowException as error:
        return Part("none", "compute_unreachable", numbers={"mensaje": str(error)})
    zone = zone_of(found) if found else zones_of(place["zones"])[0]
    own_price = extra.get("usd_per_hour")
    part = running(found, zone, datetime.now(UTC), None if own_price is None else float(own_price))
    # The page says if Compute Engine is emulated, since an emulator costs nothing.
    endpoint = str(extra.get("api_endpoint") or "")
    part.numbers["emulada"] = bool(endpoint) and "googleapis.com" not in endpoint
    return part
