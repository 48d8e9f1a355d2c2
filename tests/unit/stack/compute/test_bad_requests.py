"""The emulator answers any request in the shape of Google's API, and a refusal changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from include.stack.compute import app
from include.stack.compute.emulator import Emulator, StateFileError
from tests.unit.stack.compute.support import PROJECT, ZONE, MemoryPower, vm_body

INSTANCES = f"/compute/v1/projects/{PROJECT}/zones/{ZONE}/instances"
OPERATIONS = INSTANCES.replace("instances", "operations")
JSON = {"Content-Type": "application/json"}


class Lab(NamedTuple):
    client: TestClient
    state: Path


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """An emulator without a server; the tests insert and delete its VM many times."""
    state = tmp_path_factory.mktemp("compute") / "compute.json"
    application = app.create_app(Emulator(MemoryPower(), state))
    with TestClient(application, "http://127.0.0.1", raise_server_exceptions=False) as client:
        yield Lab(client, state)


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


#: Values for a member of the body, as JSON text: not all of them can be Python objects.
BAD_BODIES = {
    "half a surrogate pair": '"\\ud800"',
    "nested deeply": nested(100),
    "nested too deeply to be read": nested(100_000),
    "more digits than Python reads": "9" * 5000,
    "cut": "[",
}


@pytest.mark.parametrize("member", BAD_BODIES.values(), ids=BAD_BODIES)
def test_body_that_cannot_be_stored_is_refused_and_the_next_request_works(
    lab: Lab, member: str
) -> None:
    before = json.loads(lab.state.read_bytes())
    body = f'{json.dumps(vm_body("odd"))[:-1]}, "metadata": {member}}}'
    refused = lab.client.post(INSTANCES, content=body, headers=JSON)
    assert_refused(refused.status_code, refused.json())
    assert json.loads(lab.state.read_bytes()) == before
    assert lab.client.get(INSTANCES).status_code == 200


def assert_refused(status: int, body: Any) -> None:
    """Check that an error has the shape that Google's clients parse."""
    assert 400 <= status < 500
    error = body["error"]
    assert error["code"] == status
    assert error["message"]
    assert [set(detail) for detail in error["errors"]] == [{"message", "domain", "reason"}]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
TARGETS = st.sampled_from(
    [
        *(INSTANCES + end for end in ("", "/druid", "/druid/start", "/druid/stop", "/none/start")),
        *(OPERATIONS + end for end in ("", "/1", "/none")),
        INSTANCES.replace(PROJECT, "Tienda"),
        INSTANCES.replace(ZONE, "luna"),
        INSTANCES + "/%00",
        INSTANCES + "/druid%0A",
        "/",
        "/compute/v1/projects",
    ]
)
QUERIES = st.dictionaries(
    st.sampled_from(["requestId", "filter", "alt"]),
    st.text(max_size=4)
    | st.sampled_from(["00000000-0000-0000-0000-000000000001", "name = druid", "name eq (", "="]),
    max_size=2,
)


@settings(max_examples=200)
@given(data=st.data())
def test_any_request_is_done_or_refused_in_the_shape_of_google(
    lab: Lab, data: st.DataObject
) -> None:
    method = data.draw(st.sampled_from(["GET", "POST", "POST", "DELETE", "PUT", "PATCH", "BREW"]))
    body = vm_body(data.draw(st.sampled_from(["druid", "druid-2", "Druid", "druid\n"])))
    for member in data.draw(st.lists(st.sampled_from([*body, "id", "status", "x"]), max_size=2)):
        body[member] = data.draw(ANYTHING)
    content = data.draw(st.just(json.dumps(body).encode()) | st.binary(max_size=5))
    state = json.loads(lab.state.read_bytes())
    answer = lab.client.request(
        method, data.draw(TARGETS), content=content, params=data.draw(QUERIES), headers=JSON
    )
    if answer.status_code != 200:
        assert_refused(answer.status_code, answer.json())
        assert json.loads(lab.state.read_bytes())["serial"] == state["serial"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff",
        b"\0\0",
        b'{"instances": 7}',
        b'{"instances": [{"id": "1"}]}',
        b'{"serial": 1e400}',
        nested(10_000).encode(),
    ],
)
def test_invalid_state_file_raises_and_stays_unchanged(tmp_path: Path, content: bytes) -> None:
    state = tmp_path / "compute.json"
    state.write_bytes(content)
    with pytest.raises(StateFileError, match=r"compute\.json is damaged .* delete it"):
        Emulator(MemoryPower(), state)
    assert state.read_bytes() == content
