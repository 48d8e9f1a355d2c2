"""The REST routes: instances and zone operations of the Compute Engine v1 API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from include.stack.compute.emulator import Emulator
from include.stack.compute.errors import ApiError
from include.stack.compute.records import Operation, Place
from include.stack.compute.resources import Json, instance_json, list_json, operation_json
from include.stack.compute.validation import check_instance_body, check_place, check_request_id

# The API's own limit for one wait call, https://cloud.google.com/compute/docs/reference/rest/v1/zoneOperations/wait
WAIT_SECONDS = 120.0

router = APIRouter(prefix="/compute/v1/projects/{project}/zones/{zone}")


def create_app(emulator: Emulator, host_names: Sequence[str] = ()) -> FastAPI:
    """Return the server's application; the emulator's thread runs as long as it does.

    It answers to the names of the loopback interface and to ``host_names``.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with emulator:
            yield

    app = FastAPI(title="Compute Engine emulator", lifespan=lifespan)
    app.state.emulator = emulator
    # A web page that points its own host name at this machine must not drive the stack.
    app.add_middleware(
        TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]", *host_names]
    )
    app.include_router(router)

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
        message = f"{request.method} {request.url.path}: {error.detail}, it is not emulated"
        body = ApiError(error.status_code, "notFound", message).body()
        return JSONResponse(body, error.status_code)

    return app


def _emulator(request: Request) -> Emulator:
    emulator: Emulator = request.app.state.emulator
    return emulator


def _base(request: Request) -> str:
    return f"{request.base_url}compute/v1"


def _place(project: str, zone: str) -> Place:
    check_place(project, zone)
    return Place(project, zone)


def _request_id(request_id: Annotated[str | None, Query(alias="requestId")] = None) -> str | None:
    if request_id:
        check_request_id(request_id)
    return request_id


EmulatorDep = Annotated[Emulator, Depends(_emulator)]
BaseDep = Annotated[str, Depends(_base)]
PlaceDep = Annotated[Place, Depends(_place)]
RequestIdDep = Annotated[str | None, Depends(_request_id)]
FilterQuery = Annotated[str | None, Query(alias="filter")]


@router.post("/instances")
def insert(
    emulator: EmulatorDep,
    base: BaseDep,
    place: PlaceDep,
    request_id: RequestIdDep,
    body: Annotated[dict[str, Any], Body()],
) -> Json:
    """Create an instance and start it."""
    check_instance_body(body, place.zone)
    return emulator.apply(
        lambda fleet, now: operation_json(fleet.insert(place, body, now, request_id), base)
    )


@router.get("/instances")
def list_instances(
    emulator: EmulatorDep, base: BaseDep, place: PlaceDep, condition: FilterQuery = None
) -> Json:
    """List a zone's instances."""
    items = emulator.apply(
        lambda fleet, _: [instance_json(i, base) for i in fleet.instances if i.place == place]
    )
    return list_json("instanceList", f"{base}/{place.path}/instances", items, condition)


@router.get("/instances/{name}")
def get(emulator: EmulatorDep, base: BaseDep, place: PlaceDep, name: str) -> Json:
    """Describe an instance."""
    return emulator.apply(lambda fleet, _: instance_json(fleet.instance(place, name), base))


@router.post("/instances/{name}/start")
def start(
    emulator: EmulatorDep, base: BaseDep, place: PlaceDep, request_id: RequestIdDep, name: str
) -> Json:
    """Start an instance that has stopped."""
    return emulator.apply(
        lambda fleet, now: operation_json(fleet.start(place, name, now, request_id), base)
    )


@router.post("/instances/{name}/stop")
def stop(
    emulator: EmulatorDep, base: BaseDep, place: PlaceDep, request_id: RequestIdDep, name: str
) -> Json:
    """Stop an instance that runs."""
    return emulator.apply(
        lambda fleet, now: operation_json(fleet.stop(place, name, now, request_id), base)
    )


@router.delete("/instances/{name}")
def delete(
    emulator: EmulatorDep, base: BaseDep, place: PlaceDep, request_id: RequestIdDep, name: str
) -> Json:
    """Stop an instance and forget it."""
    return emulator.apply(
        lambda fleet, now: operation_json(fleet.delete(place, name, now, request_id), base)
    )


@router.get("/operations")
def list_operations(
    emulator: EmulatorDep, base: BaseDep, place: PlaceDep, condition: FilterQuery = None
) -> Json:
    """List a zone's operations."""
    items = emulator.apply(
        lambda fleet, _: [operation_json(o, base) for o in fleet.operations if o.place == place]
    )
    return list_json("operationList", f"{base}/{place.path}/operations", items, condition)


@router.get("/operations/{name}")
def get_operation(emulator: EmulatorDep, base: BaseDep, place: PlaceDep, name: str) -> Json:
    """Describe an operation."""
    return emulator.apply(lambda fleet, _: operation_json(fleet.operation(place, name), base))


@router.post("/operations/{name}/wait")
def wait_operation(emulator: EmulatorDep, base: BaseDep, place: PlaceDep, name: str) -> Json:
    """Describe an operation as soon as it is done, or after two minutes."""
    operation: Operation = emulator.wait(place, name, WAIT_SECONDS)
    return operation_json(operation, base)
