"""The REST routes: instances and zone operations of the Compute Engine v1 API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from include.stack.compute.discovery import api
from include.stack.compute.emulator import Emulator
from include.stack.compute.errors import ApiError
from include.stack.compute.injected_errors import Fault, Faults
from include.stack.compute.resources import (
    Json,
    disk_json,
    instance_json,
    list_json,
    operation_json,
)
from include.stack.compute.state import Interruption, Trouble, Zone
from include.stack.compute.validation import check_instance, check_request_id, check_zone
from include.web_guard import BodyLimit, WebGuard

#: Most bytes of a request's body; an instance's startup script alone may have 256 KiB.
_MAX_BODY = 4 * 1024 * 1024

#: Seconds until the server closes an idle connection. uvicorn's default is 5: a client that sends a
#: request at that moment loses it, and Google's client repeats no POST after a broken connection.
KEEP_ALIVE = 600


def _known_parameters(request: Request) -> None:
    """Check the parameters; each route's operation id is the API's own name of the method."""
    method = f"compute.{request.scope['route'].operation_id}"
    api("compute.v1").check_parameters(
        method, request.path_params, request.query_params.multi_items()
    )


def _emulator(request: Request) -> Emulator:
    emulator: Emulator = request.app.state.emulator
    return emulator


def _base(request: Request) -> str:
    return f"{request.base_url}compute/v1"


def _zone(project: str, zone: str) -> Zone:
    check_zone(zone)
    return Zone(project, zone)


def _request_id(request_id: Annotated[str | None, Query(alias="requestId")] = None) -> str | None:
    if request_id:
        check_request_id(request_id)
    return request_id


def _faults(request: Request) -> Faults:
    faults: Faults = request.app.state.faults
    return faults


def _trouble(
    request: Request,
    faults: Annotated[Faults, Depends(_faults)],
    zone: Annotated[Zone, Depends(_zone)],
) -> Trouble | None:
    """Return the trouble that a test requested for this operation; raise a requested refusal."""
    method = request.scope["route"].operation_id
    return faults.due(method, zone, request.path_params.get("instance", ""))


EmulatorDep = Annotated[Emulator, Depends(_emulator)]
BaseDep = Annotated[str, Depends(_base)]
ZoneDep = Annotated[Zone, Depends(_zone)]
FaultsDep = Annotated[Faults, Depends(_faults)]
TroubleDep = Annotated[Trouble | None, Depends(_trouble)]
RequestIdDep = Annotated[str | None, Depends(_request_id)]
FilterQuery = Annotated[str | None, Query(alias="filter")]

router = APIRouter(
    prefix="/compute/v1/projects/{project}/zones/{zone}",
    dependencies=[Depends(_known_parameters), Depends(_trouble)],
)

#: Routes that Google does not have: tests request faults there.
fault_routes = APIRouter()


def create_app(
    emulator: Emulator, host_names: Sequence[str] = (), *, faulty: bool = False
) -> FastAPI:
    """Return the server's application; the emulator's thread runs as long as the application.

    Args:
        emulator: the emulator that it serves.
        host_names: host names to accept in addition to those of the loopback interface.
        faulty: whether to add the routes ``/faults`` and ``/interruptions``.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with emulator:
            yield

    app = FastAPI(title="Compute Engine emulator", lifespan=lifespan)
    app.state.emulator = emulator
    app.state.faults = Faults()
    app.add_middleware(BodyLimit, most=_MAX_BODY)
    app.add_middleware(WebGuard, names=host_names)
    app.include_router(router)
    if faulty:
        app.include_router(fault_routes)

    @app.exception_handler(ApiError)
    def refused(_: Request, error: ApiError) -> JSONResponse:
        return JSONResponse(error.body(), error.code)

    @app.exception_handler(RequestValidationError)
    def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        problem = "; ".join(str(detail["msg"]) for detail in error.errors())
        return JSONResponse(ApiError(400, "parseError", f"Parse Error: {problem}").body(), 400)

    @app.exception_handler(HTTPException)
    def unrouted(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 400:
            return JSONResponse(
                ApiError(400, "parseError", f"Parse Error: {error.detail}").body(), 400
            )
        message = f"{request.method} {request.url.path} is not emulated: {error.detail}"
        body = ApiError(error.status_code, "notFound", message).body()
        return JSONResponse(body, error.status_code)

    return app


@router.post("/instances", operation_id="instances.insert")
def insert(
    emulator: EmulatorDep,
    base: BaseDep,
    zone: ZoneDep,
    request_id: RequestIdDep,
    trouble: TroubleDep,
    body: Annotated[dict[str, Any], Body()],
) -> Json:
    """Create and start an instance."""
    api("compute.v1").check_request("compute.instances.insert", body)
    check_instance(body, zone.name)
    return emulator.apply(
        lambda fleet, now: operation_json(fleet.insert(zone, body, now, request_id, trouble), base)
    )


@router.get("/instances", operation_id="instances.list")
def list_instances(
    emulator: EmulatorDep, base: BaseDep, zone: ZoneDep, condition: FilterQuery = None
) -> Json:
    """List a zone's instances."""
    items = emulator.apply(
        lambda fleet, _: [instance_json(i, base) for i in fleet.instances if i.zone == zone]
    )
    return list_json("instanceList", f"{base}/{zone.path}/instances", items, condition)


@router.get("/instances/{instance}", operation_id="instances.get")
def get(emulator: EmulatorDep, base: BaseDep, zone: ZoneDep, instance: str) -> Json:
    """Describe an instance."""
    return emulator.apply(lambda fleet, _: instance_json(fleet.instance(zone, instance), base))


@router.get("/instances/{instance}/serialPort", operation_id="instances.getSerialPortOutput")
def console(emulator: EmulatorDep, base: BaseDep, zone: ZoneDep, instance: str) -> Json:
    """Return an empty serial console: the emulated VM is a group of processes."""
    link = emulator.apply(lambda fleet, _: instance_json(fleet.instance(zone, instance), base))
    return {
        "kind": "compute#serialPortOutput",
        "selfLink": f"{link['selfLink']}/serialPort",
        "contents": "",
        "start": "0",
        "next": "0",
    }


@router.post("/instances/{instance}/start", operation_id="instances.start")
def start(
    emulator: EmulatorDep,
    base: BaseDep,
    zone: ZoneDep,
    request_id: RequestIdDep,
    trouble: TroubleDep,
    instance: str,
) -> Json:
    """Start an instance that has stopped."""
    return emulator.apply(
        lambda fleet, now: operation_json(
            fleet.start(zone, instance, now, request_id, trouble), base
        )
    )


@router.post("/instances/{instance}/stop", operation_id="instances.stop")
def stop(
    emulator: EmulatorDep,
    base: BaseDep,
    zone: ZoneDep,
    request_id: RequestIdDep,
    trouble: TroubleDep,
    instance: str,
) -> Json:
    """Stop an instance that runs."""
    return emulator.apply(
        lambda fleet, now: operation_json(
            fleet.stop(zone, instance, now, request_id, trouble), base
        )
    )


@router.delete("/instances/{instance}", operation_id="instances.delete")
def delete(
    emulator: EmulatorDep,
    base: BaseDep,
    zone: ZoneDep,
    request_id: RequestIdDep,
    trouble: TroubleDep,
    instance: str,
) -> Json:
    """Stop an instance and delete it."""
    return emulator.apply(
        lambda fleet, now: operation_json(
            fleet.delete(zone, instance, now, request_id, trouble), base
        )
    )


@router.get("/disks/{disk}", operation_id="disks.get")
def get_disk(emulator: EmulatorDep, base: BaseDep, zone: ZoneDep, disk: str) -> Json:
    """Describe a disk that an instance has named."""
    return emulator.apply(lambda fleet, _: disk_json(fleet.disk(zone, disk), base))


@router.get("/operations", operation_id="zoneOperations.list")
def list_operations(
    emulator: EmulatorDep, base: BaseDep, zone: ZoneDep, condition: FilterQuery = None
) -> Json:
    """List a zone's operations."""
    items = emulator.apply(
        lambda fleet, _: [operation_json(o, base) for o in fleet.operations if o.zone == zone]
    )
    return list_json("operationList", f"{base}/{zone.path}/operations", items, condition)


@router.get("/operations/{operation}", operation_id="zoneOperations.get")
def get_operation(emulator: EmulatorDep, base: BaseDep, zone: ZoneDep, operation: str) -> Json:
    """Describe an operation."""
    return emulator.apply(lambda fleet, _: operation_json(fleet.operation(zone, operation), base))


class InterruptionRequest(BaseModel):
    """Request that Compute Engine ends an instance by itself: which one, and in which way."""

    model_config = ConfigDict(extra="forbid")

    project: str
    zone: str
    instance: str
    kind: Interruption


@fault_routes.post("/faults", status_code=204)
def add_fault(faults: FaultsDep, fault: Fault) -> None:
    """Add a fault, which applies from the next request on."""
    faults.add(fault)


@fault_routes.delete("/faults", status_code=204)
def clear_faults(faults: FaultsDep, emulator: EmulatorDep) -> None:
    """Remove all faults, and let the endless operations end."""
    faults.clear()
    emulator.apply(lambda fleet, _: fleet.release())


@fault_routes.post("/interruptions")
def interrupt(emulator: EmulatorDep, base: BaseDep, interruption: InterruptionRequest) -> Json:
    """Let Compute Engine end an instance by itself; return the operation."""
    zone = Zone(interruption.project, interruption.zone)
    return emulator.apply(
        lambda fleet, now: operation_json(
            fleet.interrupt(zone, interruption.instance, interruption.kind, now), base
        )
    )
