"""What «Consultas» asks for: the library, free SQL, and the end of the topic."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from threading import BoundedSemaphore
from typing import Any, Final

import msgspec
from fastapi import APIRouter, HTTPException, Response
from pydantic import BaseModel

from include.druid.library import Column, ColumnKind, Query, bind, load_library
from include.druid.sql_box import (
    DEFAULT_ROWS,
    DEFAULT_SECONDS,
    MOST_ROWS,
    MOST_SECONDS,
    Answer,
    ask,
    ask_freely,
    query_id,
)
from include.druid.supervisor import TIMESTAMP
from include.sales.event import FIELDS
from include.stream.tail import MOST, tail
from include.texts import InputError, Texts
from ventas_airflow.page.access import CanRun
from ventas_airflow.page.services import (
    DATASOURCE,
    druid,
    druid_for_free_sql,
    in_thread,
    kafka_config,
)
from ventas_airflow.page.shared import Shared

router = APIRouter()
_shared: Final = Shared()

TOPIC: Final = "ventas"

LIBRARY_SECONDS: Final = 5.0
TAIL_SECONDS: Final = 1.0
"""How long an answer is everyone's."""

AT_ONCE: Final = 4
"""Queries of this view that run beside one another."""
_slots: Final = BoundedSemaphore(AT_ONCE)

#: How the page shows a column of free SQL, by its type; what is not here is text.
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
    """Texts by parameter, as in an address; what is left out takes its default."""

    values: dict[str, str] = {}


class FreeSql(BaseModel):
    """A query as a person wrote it; `id` is a UUID to cancel it by."""

    sql: str
    id: str
    rows: int = DEFAULT_ROWS
    seconds: float = DEFAULT_SECONDS


class BusyError(InputError):
    """As many queries of this page run as may."""


@router.get("/api/queries")
def queries() -> Response:
    """Every query of the library as its file has it; texts in both languages."""
    return _json([*_library().values()])


@router.post("/api/queries/{name}")
async def run(name: str, body: Values) -> Response:
    """Run a query of the library; those who ask the same share an answer for some seconds."""
    query = _library().get(name)
    if query is None:
        raise HTTPException(404, f"No hay una consulta {name!r} en la biblioteca")
    key = name, tuple(sorted(body.values.items()))
    return _json(await _shared.get(key, LIBRARY_SECONDS, lambda: _run(query, body.values)))


@router.post("/api/sql", dependencies=[CanRun])
async def sql(body: FreeSql) -> Response:
    """Run one query that reads."""
    return _json(await in_thread(_ask_freely, body))


@router.delete("/api/sql/{asked}", dependencies=[CanRun], status_code=204)
async def cancel(asked: str) -> None:
    """Cancel a query of the SQL box; as `DruidClient.cancel_sql`, until it ends."""
    await in_thread(_cancel, query_id(asked))


@router.get("/api/columns")
def columns() -> dict[str, Any]:
    """Columns that the SQL box completes, the table they are of, and the box's limits."""
    return {
        "table": DATASOURCE,
        "columns": [
            {
                "name": "__time" if field.name == TIMESTAMP else field.name,
                "type": "timestamp" if field.name == TIMESTAMP else field.kind,
                "title": {"es": field.title, "en": field.description},
            }
            for field in FIELDS
        ],
        "rows": {"default": DEFAULT_ROWS, "most": MOST_ROWS},
        "seconds": {"default": DEFAULT_SECONDS, "most": MOST_SECONDS},
    }


@router.get("/api/tail")
async def latest(n: int = 20) -> Response:
    """The last committed records of the topic of sales."""
    return _json(await _shared.get(("tail", n), TAIL_SECONDS, lambda: _tail(n)))


@cache
def _library() -> dict[str, Query]:
    return {query.name: query for query in load_library()}


def _run(query: Query, values: dict[str, str]) -> dict[str, Any]:
    text, bound = bind(query, values, datasource=DATASOURCE, now=datetime.now(UTC))
    with _slot():
        answer = ask(druid(), text, bound, rows=MOST_ROWS, seconds=MOST_SECONDS)
    return _table(answer, query.columns, text, bound)


def _ask_freely(body: FreeSql) -> dict[str, Any]:
    asked = query_id(body.id)
    with _slot():
        answer = ask_freely(
            druid_for_free_sql(),
            body.sql,
            (DATASOURCE,),
            rows=body.rows,
            seconds=body.seconds,
            query_id=asked,
        )
    return _table(answer, [_column(*column) for column in answer.columns], body.sql, [])


def _cancel(asked: str) -> None:
    # Druid lets only who may write to a datasource cancel its native queries.
    druid().cancel_sql(asked)


def _tail(count: int) -> dict[str, Any]:
    found = tail(kafka_config(), TOPIC, count)
    records = [record._asdict() for record in found.records]
    return {"topic": TOPIC, "most": MOST, "complete": found.complete, "records": records}


@contextmanager
def _slot() -> Iterator[None]:
    """One of the queries that may run: the page's threads are for all its views."""
    if not _slots.acquire(blocking=False):
        raise BusyError(
            f"Ya corren {AT_ONCE} consultas: probá de nuevo en unos segundos.",
            f"{AT_ONCE} queries run already: try again in some seconds.",
        )
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
    return Column(name, "money" if is_money else shown, Texts(name, name))


def _json(content: object) -> Response:
    # FastAPI's own takes seconds for as many rows as there may be.
    return Response(msgspec.json.encode(content), media_type="application/json")
