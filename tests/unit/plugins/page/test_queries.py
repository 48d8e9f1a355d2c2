"""Routes of «Consultas», with scripted answers of Druid."""

import json
import os
import uuid
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient

from include.names import DATASOURCE
from include.page.library import load_library
from include.sales.content import SaleSource
from include.sales.event import FIELDS
from include.sales.market import load_market
from include.stream.errors import KafkaUnreachableError
from include.stream.tail import Seen, Tail
from tests.unit.druid.support import SQL, Router, serving
from ventas_airflow.page import queries
from ventas_airflow.page.access import can_run
from ventas_airflow.page.answer_cache import AnswerCache

PLAN = 200, [{"PLAN": '[{"query":{"queryType":"groupBy"}}]'}]


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "_shared", AnswerCache(clock=lambda: 0.0))


@pytest.fixture
def druid(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> Iterator[Router]:
    with serving() as router:
        host, port = router.url.removeprefix("http://").split(":")
        there = {"conn_type": "druid", "host": host, "port": int(port), "schema": "http"}
        monkeypatch.setenv("AIRFLOW_CONN_DRUID_INGEST_DEFAULT", json.dumps(there))
        yield router


def table(names: list[str], types: list[str], *rows: list[Any]) -> tuple[int, Any]:
    return 200, [names, types, *rows]


def free(sql: str, **limits: Any) -> dict[str, Any]:
    return {"sql": sql, "id": str(uuid.uuid4()), **limits}


def test_library_is_listed_as_in_its_files(reader: TestClient) -> None:
    listed = {query["name"]: query for query in reader.get("/api/queries").json()}
    assert list(listed) == [query.name for query in load_library()]
    top = listed["top_products"]
    assert top["parameters"][3] == {
        "name": "cuantos",
        "kind": "number",
        "default": "20",
        "choices": [],
        "minimum": 1,
        "maximum": 500,
    }
    assert top["chart"] == {"kind": "bar", "x": "producto", "y": ["facturado_centavos"]}


def test_library_query_runs_with_its_values_and_shares_the_answer(
    reader: TestClient, druid: Router
) -> None:
    names = ["producto", "categoria", "ventas", "unidades", "facturado_centavos"]
    row = ["Yerba", "Almacén", 2, 3, 960000]
    druid.on("POST", SQL, table(names, ["VARCHAR"] * 2 + ["BIGINT"] * 3, row))
    body = {"values": {"categoria": "Almacén", "desde": "2026-11-24T09:00", "cuantos": "3"}}
    with reader:
        found = reader.post("/api/queries/top_products", json=body).json()
        assert reader.post("/api/queries/top_products", json=body).json() == found
    assert found["rows"] == [row]
    assert not found["truncated"]
    assert [column["kind"] for column in found["columns"]] == [
        *["text"] * 2,
        *["number"] * 2,
        "money",
    ]
    assert f'FROM "{DATASOURCE}"' in found["sql"]
    since, _, *others = found["parameters"]
    assert (since, others) == (1795521600000, ["Almacén", "Almacén", 3])
    [asked] = druid.asked
    assert [each["value"] for each in asked.body["parameters"]] == found["parameters"]


def test_invalid_value_answers_400_and_unknown_query_404(reader: TestClient) -> None:
    wrong = reader.post("/api/queries/top_products", json={"values": {"cuantos": "mil"}})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "input")
    assert wrong.json()["error"] == "Cuántos: va un número entero de 1 a 500, no 'mil'"
    assert reader.post("/api/queries/nada", json={}).status_code == 404


def test_free_sql_answers_with_the_kinds_of_its_columns(runner: TestClient, druid: Router) -> None:
    names = ["t", "n", "x", "s", "importe_centavos", "raro_centavos"]
    types = ["TIMESTAMP", "BIGINT", "DECIMAL", "VARCHAR", "BIGINT", "VARCHAR"]
    druid.on("POST", SQL, PLAN, table(names, types, *[["t", 1, 1.5, "=1", 5, "x"]] * 3))
    found = runner.post("/api/sql", json=free("SELECT 1 ;", rows=2, seconds=3)).json()
    kinds = [column["kind"] for column in found["columns"]]
    assert kinds == ["time", "number", "decimal", "text", "money", "text"]
    assert (len(found["rows"]), found["truncated"], found["sql"]) == (2, True, "SELECT 1 ;")
    context = druid.asked[-1].body["context"]
    assert (context["timeout"], context["sqlOuterLimit"]) == (3000, 3)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (free("DROP TABLE ventas"), "acá solo se lee"),
        (free("SELECT 1", rows=10_001), "límite de filas"),
        (free("SELECT 1", seconds=31), "segundos"),
        ({"sql": "SELECT 1", "id": "1"}, "UUID"),
    ],
)
def test_refused_free_sql_does_not_reach_druid(
    runner: TestClient, druid: Router, body: dict[str, Any], told: str
) -> None:
    answer = runner.post("/api/sql", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "input")
    assert told in answer.json()["error"]
    assert druid.asked == []


@pytest.mark.parametrize(
    ("status", "category", "told"),
    [(504, "TIMEOUT", (504, "slow")), (500, "CANCELED", (409, "cancelled"))],
)
def test_time_out_and_cancellation_have_different_codes(
    runner: TestClient, druid: Router, status: int, category: str, told: tuple[int, str]
) -> None:
    druid.on("POST", SQL, PLAN, (status, {"category": category, "errorMessage": "…"}))
    answer = runner.post("/api/sql", json=free("SELECT 1"))
    assert (answer.status_code, answer.json()["code"]) == told


def test_query_is_cancelled_by_the_id_that_the_page_gave_it(
    runner: TestClient, druid: Router
) -> None:
    asked = str(uuid.uuid4())
    paths = [f"{SQL}/consulta-{asked}", f"/druid/v2/consulta-{asked}"]
    for path in paths:
        druid.on("DELETE", path, (202, b""))
    assert runner.delete(f"/api/sql/{asked}").status_code == 204
    assert [request.path for request in druid.asked] == paths
    assert runner.delete("/api/sql/x").status_code == 400


def test_free_sql_uses_the_read_only_login_if_its_connection_exists(
    runner: TestClient, druid: Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    druid.on("POST", SQL, *[PLAN, table(["n"], ["BIGINT"], [1])] * 2)
    runner.post("/api/sql", json=free("SELECT 1"))
    assert "Authorization" not in druid.asked[-1].headers

    own = {**json.loads(os.environ["AIRFLOW_CONN_DRUID_INGEST_DEFAULT"]), "login": "ventas_page"}
    monkeypatch.setenv("AIRFLOW_CONN_DRUID_PAGE_DEFAULT", json.dumps({**own, "password": "x"}))
    runner.post("/api/sql", json=free("SELECT 1"))
    assert (
        druid.asked[-1].headers["Authorization"] == f"Basic {b64encode(b'ventas_page:x').decode()}"
    )

    # The library also reads Druid's own tables, and only a login that may write may cancel.
    druid.on("POST", SQL, table(["producto"], ["VARCHAR"], ["Yerba"]))
    runner.post("/api/queries/druid_servers", json={})
    runner.delete(f"/api/sql/{uuid.uuid4()}")
    assert all("Authorization" not in asked.headers for asked in druid.asked[-2:])


def test_query_beyond_the_limit_at_once_answers_429(runner: TestClient, druid: Router) -> None:
    druid.on("POST", SQL, PLAN, table(["n"], ["BIGINT"], [1]))
    for _ in range(queries.AT_ONCE):
        queries._slots.acquire()
    try:
        busy = runner.post("/api/sql", json=free("SELECT 1"))
        assert (busy.status_code, busy.json()["error"][:22]) == (429, "Ya corren 4 consultas:")
    finally:
        queries._slots.release(queries.AT_ONCE)
    assert runner.post("/api/sql", json=free("SELECT 1")).json()["rows"] == [[1]]


def test_viewer_may_list_the_library_but_not_run_free_sql(
    app: FastAPI, reader: TestClient, druid: Router
) -> None:
    def refuse() -> None:
        raise HTTPException(403, "Forbidden")

    app.dependency_overrides[can_run] = refuse
    asked = uuid.uuid4()
    assert reader.post("/api/sql", json=free("SELECT 1")).json()["code"] == "access"
    assert reader.delete(f"/api/sql/{asked}").status_code == 403
    assert druid.asked == []
    assert reader.get("/api/queries").status_code == 200


def test_columns_are_druids_columns_of_the_event(reader: TestClient) -> None:
    found = reader.get("/api/columns").json()
    names = [column["name"] for column in found["columns"]]
    assert names == ["__time" if field.name == "ts" else field.name for field in FIELDS]
    assert found["rows"] == {"default": 1000, "most": 10_000}
    assert found["seconds"] == {"default": 10, "most": 30}


def test_any_number_of_records_is_served_from_few_read_sizes(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = Seen(0, 1, 2, "key", None, "text", "problem")
    read: list[int] = []

    def tail(config: object, topic: str, count: int) -> Tail:
        read.append(count)
        return Tail([record] * count, True)

    monkeypatch.setattr(queries, "tail", tail)
    monkeypatch.setattr(queries, "TAIL_SECONDS", 3600.0)
    monkeypatch.setattr(queries, "kafka_config", dict)
    with reader:
        found = [len(reader.get(f"/api/tail?n={n}").json()["records"]) for n in range(1, 201)]
        assert found == list(range(1, 201))
        assert read == [20, 50, 100, 200]
        for count in ("0", "201", "-1"):
            assert reader.get(f"/api/tail?n={count}").json()["code"] == "input"


def test_tail_has_events_and_malformed_records(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = SaleSource(load_market(), 7, "c").chain(0, datetime(2026, 11, 24, tzinfo=UTC))[0]
    records = [Seen(0, 7, 1000, "k", event), Seen(1, 8, 900, "", None, r"\xff", "malformed")]
    monkeypatch.setattr(queries, "kafka_config", dict)
    monkeypatch.setattr(queries, "tail", lambda config, topic, n: Tail(records[:n], True))
    found = reader.get("/api/tail?n=2").json()
    assert found["records"][0]["event"]["id_venta"] == event.id_venta
    assert found["records"][1]["text"] == r"\xff"
    assert len(reader.get("/api/tail?n=1").json()["records"]) == 1


def test_tail_answers_503_if_kafka_is_away(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> Tail:
        raise KafkaUnreachableError({"bootstrap.servers": "there:1"}, 1)

    monkeypatch.setattr(queries, "kafka_config", dict)
    monkeypatch.setattr(queries, "tail", away)
    answer = reader.get("/api/tail")
    assert (answer.status_code, answer.json()["code"]) == (503, "kafka")
    assert "there:1" in answer.json()["error"]
