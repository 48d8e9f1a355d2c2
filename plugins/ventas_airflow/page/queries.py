"""Routes of the view «Consultas»: the query library, free SQL, and the end of the topic."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from threading import BoundedSemaphore
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Response
from pydantic import BaseModel

from include.druid.supervisor import TIMESTAMP
from include.names import DATASOURCE, TOPIC
from include.page.library import Column, ColumnKind, Query, bind, load_library
from include.page.sql_box import (
    DEFAULT_ROWS,
    DEFAULT_SECONDS,
    MOST_ROWS,
    MOST_SECONDS,
    Answer,
    ask,
    ask_freely,
    query_id,
)
from include.sales.event import FIELDS
from include.stream.tail import MOST, Tail, check_count, tail
from ventas_airflow.page.access import Asking, CanRun
from ventas_airflow.page.answer_cache import AnswerCache
from ventas_airflow.page.fair_threads import BusyError
from ventas_airflow.page.services import (
    UnknownNameError,
    acts,
    druid,
    druid_for_free_sql,
    kafka_config,
    looks,
)

router = APIRouter()
#: Few answers are kept, since each may have `MOST_ROWS` rows.
_shared: Final = AnswerCache(most=50)

LIBRARY_SECONDS: Final = 5.0
TAIL_SECONDS: Final = 1.0
"""Seconds that an answer of the library, or the end of the topic, is shared by all viewers."""

TAIL_SIZES: Final = (20, 50, 100, MOST)
"""Numbers of records that are read."""

AT_ONCE: Final = 4
"""Most queries of this view that run at once."""
_slots: Final = BoundedSemaphore(AT_ONCE)

#: Kind of a free SQL column for the page, by its SQL type; other types are shown as text.
_KINDS: Final[dict[str, ColumnKind]] = {
    "BIGINT": "number",
    "INTEGER": "number",
    "DECIMAL": "decimal",
    "DOUBLE": "decimal",
    "FLOAT": "decimal",
    "TIMESTAMP": "time",
    "DATE": "day",
}


class Values(BaseModel):
    """Texts by parameter, as in an address; a missing parameter takes its default."""

    values: dict[str, str] = {}


class FreeSql(BaseModel):
    """A query as a person wrote it; `id` is a UUID with which it can be cancelled."""

    sql: str
    id: str
    rows: int = DEFAULT_ROWS
    seconds: float = DEFAULT_SECONDS


@router.get("/api/queries")
def queries() -> Response:
    """Return all queries of the library as in their files; their texts come with the page's."""
    return _json([*_library().values()])


@router.post("/api/queries/{name}")
async def run(name: str, body: Values, viewer: Asking) -> Response:
    """Run a query of the library; equal requests share an answer for some seconds."""
    query = _library().get(name)
    if query is None:
        raise UnknownNameError("page_refusal.query", name=repr(name))
    key = name, tuple(sorted(body.values.items()))
    return _json(await _shared.get(viewer, key, LIBRARY_SECONDS, lambda: _run(query, body.values)))


@router.post("/api/sql", dependencies=[CanRun])
async def sql(body: FreeSql, viewer: Asking) -> Response:
    """Run one free SQL query, which may only read."""
    return _json(await viewer.run(looks, lambda: _ask_freely(body)))


@router.delete("/api/sql/{identifier}", dependencies=[CanRun], status_code=204)
async def cancel(identifier: str, viewer: Asking) -> None:
    """Cancel a query of the SQL box; to be repeated until it ends, as `DruidClient.cancel_sql`."""
    known = query_id(identifier)
    await viewer.run(acts, lambda: _cancel(known))


@router.get("/api/columns")
def columns() -> dict[str, Any]:
    """Return the columns that the SQL box completes, their table, and the box's limits."""
    return {
        "table": DATASOURCE,
        "columns": [
            {
                "name": "__time" if field.name == TIMESTAMP else field.name,
                "type": "timestamp" if field.name == TIMESTAMP else field.kind,
            }
            for field in FIELDS
        ],
        "rows": {"default": DEFAULT_ROWS, "most": MOST_ROWS},
        "seconds": {"default": DEFAULT_SECONDS, "most": MOST_SECONDS},
    }


@router.get("/api/tail")
async def latest(viewer: Asking, n: int = 20) -> Response:
    """Return the last committed records of the topic of sales."""
    check_count(n)
    # Only a few sizes are read, so that viewers share the answers.
    size = next(size for size in TAIL_SIZES if size >= n)
    found: Tail = await _shared.get(
        viewer, ("tail", size), TAIL_SECONDS, lambda: tail(kafka_config(), TOPIC, size)
    )
    records = [record._asdict() for record in found.records[:n]]
    return _json({"topic": TOPIC, "most": MOST, "complete": found.complete, "records": records})


@cache
def _library() -> dict[str, Query]:
    return {query.name: query for query in load_library()}


def _run(query: Query, values: dict[str, str]) -> dict[str, Any]:
    text, bound = bind(query, values, datasource=DATASOURCE, now=datetime.now(UTC))
    with _slot():
        answer = ask(druid(), text, bound, rows=MOST_ROWS, seconds=MOST_SECONDS)
    return _table(answer, query.columns, text, bound)


def _ask_freely(body: FreeSql) -> dict[str, Any]:
    identifier = query_id(body.id)
    with _slot():
        answer = ask_freely(
            druid_for_free_sql(),
            body.sql,
            (DATASOURCE,),
            rows=body.rows,
            seconds=body.seconds,
            query_id=identifier,
        )
    return _table(answer, [_column(*column) for column in answer.columns], body.sql, [])


def _cancel(identifier: str) -> None:
    # With the writing login: Druid lets only such a login cancel a datasource's native queries.
    druid().cancel_sql(identifier)


@contextmanager
def _slot() -> Iterator[None]:
    """Hold one of the `AT_ONCE` places for queries: all views of the page share its threads."""
    if not _slots.acquire(blocking=False):
        raise BusyError("page_refusal.queries_running", most=AT_ONCE)
    try:
        yield
    finally:
        _slots.release()


def _table(
    answer: Answer, columns: Sequence[Column], text: str, bound: Sequence[object]
) -> dict[str, Any]:
    return {
        "columns": columns,
        "rows": answer.rows,
        "truncated": answer.truncated,
        "elapsed_ms": answer.elapsed_ms,
        "sql": text,
        "parameters": bound,
    }


def _column(name: str, kind: str) -> Column:
    shown = _KINDS.get(kind, "text")
    is_money = name.endswith("_centavos") and shown in ("number", "decimal")
    return Column(name, "money" if is_money else shown)


def _json(content: object) -> Response:
    # FastAPI's own encoding takes seconds for the most rows of an answer.
    return Response(msgspec.json.encode(content), media_type="application/json")
