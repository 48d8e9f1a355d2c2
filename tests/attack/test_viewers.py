"""One viewer sends hundreds of requests to the page at once, and another viewer sends one."""

import asyncio
import uuid
from typing import Any

import httpx
import pytest

from include.druid.client import DruidClient
from include.stack import airflow
from include.stack.airflow_api import AirflowApi
from include.stack.settings import Settings
from tests.support.lab import Lab
from tests.support.sold import sell

LOOKS = 300

#: Time-out of a request, seconds. It is long because a page that starves a viewer never answers.
PATIENCE = 120.0


@pytest.fixture(scope="module")
def greedy(stack: Settings, kafka_config: dict[str, str], druid: DruidClient) -> str:
    """Session token of a viewer, on a stack with sales."""
    sell(kafka_config, druid, f"miradas {uuid.uuid4().hex[:8]}", 500)
    password = airflow.password(stack, airflow.VIEWER)
    return AirflowApi(stack.url("airflow"), airflow.VIEWER, password).token


def looks() -> list[dict[str, Any]]:
    """Return requests that cannot share an answer, as arguments of `httpx.request`."""
    moment = "2026-01-01T00:00:00Z"
    asked: list[dict[str, Any]] = []
    for n in range(0, LOOKS, 3):
        until = f"2026-01-01T{n // 60:02}:{n % 60:02}:00Z"
        run = {"dag_id": "sales_window", "dag_run_id": f"r{n}", "state": "running"}
        run |= {"run_type": "manual", "run_after": moment, "start_date": moment}
        asked += [
            {"url": "api/live", "params": {"rango": "6h", "producto": f"{n}"}},
            {"url": "api/live", "params": {"rango": "30d", "hasta": until}},
            {"method": "POST", "url": "api/health", "json": {"runs": [run]}},
        ]
    return asked


def session(token: str) -> dict[str, str]:
    """Return the header with which a browser sends its session."""
    return {"Cookie": f"_token={token}"}


async def ask_all(url: str, greedy: str, other: str) -> tuple[list[httpx.Response], bool]:
    """Send all requests at once and, after the first refusal, one request of the other viewer.

    Returns the answers of the first viewer, and whether the other viewer's answer came before the
    last of them.
    """
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=f"{url}/ventas/", timeout=PATIENCE, limits=limits, trust_env=False
    ) as client:

        async def ask(token: str, *, method: str = "GET", **request: Any) -> httpx.Response:
            return await client.request(method, **request, headers=session(token))

        asked = [asyncio.create_task(ask(greedy, **request)) for request in looks()]
        for first in asyncio.as_completed(asked):
            if (await first).status_code == 429:
                break
        ordinary = await ask(other, url="api/live")
        assert ordinary.status_code == 200, ordinary.text
        was_sooner = not all(task.done() for task in asked)
        return await asyncio.gather(*asked), was_sooner


def test_viewer_with_hundreds_of_requests_does_not_block_another_viewer(
    stack: Settings, lab: Lab, greedy: str
) -> None:
    answers, was_sooner = asyncio.run(ask_all(stack.url("airflow"), greedy, lab.api.token))
    assert was_sooner
    refused = [answer for answer in answers if answer.status_code == 429]
    assert {answer.status_code for answer in answers} <= {200, 429}
    assert len(refused) > LOOKS / 3
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
    again = httpx.get(
        f"{stack.url('airflow')}/ventas/api/live",
        headers=session(greedy),
        timeout=PATIENCE,
    )
    assert again.status_code == 200
