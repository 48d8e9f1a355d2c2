"""Run one read-only query that a person wrote, within limits of rows, time and bytes."""

import time
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from include.druid.client import (
    AnswerTooLargeError,
    DatasourceMissingError,
    DruidClient,
    DruidError,
    DruidUnreachableError,
    QueryCanceledError,
    QueryInvalidError,
    QueryTimeoutError,
    SqlColumn,
)
from include.page.sql_check.lexer import SqlRefusedError
from include.page.sql_check.statement import check
from include.page.sql_tokens import Token, tokens

DEFAULT_ROWS: Final = 1_000
MOST_ROWS: Final = 10_000
DEFAULT_SECONDS: Final = 10
MOST_SECONDS: Final = 30
LONGEST: Final = 20_000
"""Most characters of a query."""

LARGEST_ANSWER: Final = 16_000_000
"""Most bytes of an answer; 10,000 rows of all columns take a third of this."""

#: Query context of free SQL. Druid's "topN" keeps every value of an expression, with its
#: aggregations, in the heap; "groupBy" does not. The historicals' cache is for the page's own
#: queries: free SQL must not evict their entries.
_CONTEXT: Final = {"useApproximateTopN": False, "populateCache": False}

#: Part of Druid's message when subqueries give more rows than `maxSubqueryRows`.
_TOO_MANY_ROWS: Final = "subqueries generated results beyond maximum"

_READS = ("SELECT", "WITH")
_ID_PREFIX = "consulta-"

#: Part of the plan of a query that sorts the rows of a JOIN (or has window functions, which `check`
#: refuses). Druid then holds all rows in the broker's heap, and takes 200 MB of it at once to sort
#: them, which ends a small broker.
_IN_HEAP = '"queryType":"windowOperator"'


class Answer(NamedTuple):
    """Answer of a query; `truncated` if it had more rows than the limit."""

    columns: list[SqlColumn]
    rows: list[list[Any]]
    truncated: bool
    elapsed_ms: int


def one_query(text: str) -> str:
    """Return the single query of a text, without comments and without the final semicolon.

    Raises:
        SqlRefusedError: there is no query, there are several, or it does not only read.
    """
    if len(text) > LONGEST:
        raise SqlRefusedError("page_refusal.sql.long", found=len(text), most=LONGEST)
    # Comments are removed: one may hold a hint, and one at the end may swallow text that Druid
    # appends.
    parts = [Token("space", " ") if t.kind == "comment" else t for t in tokens(text)]
    if any(part.kind == "unclosed" for part in parts):
        raise SqlRefusedError("page_refusal.sql.unclosed")
    while parts and (parts[-1].kind == "space" or parts[-1].text == ";"):
        parts.pop()
    if any(part == Token("sign", ";") for part in parts):
        raise SqlRefusedError("page_refusal.sql.several")
    words = [part.text.upper() for part in parts if part.kind != "space"]
    if not words:
        raise SqlRefusedError("page_refusal.sql.empty")
    first = words[3] if words[:3] == ["EXPLAIN", "PLAN", "FOR"] and words[3:] else words[0]
    if first not in _READS:
        raise SqlRefusedError("page_refusal.sql.not_reading", first=first[:40])
    return "".join(part.text for part in parts).strip()


def query_id(asked: str) -> str:
    """Return Druid's query id for the UUID that a viewer's page has chosen.

    The page can cancel only queries with such an id.

    Raises:
        SqlRefusedError: `asked` is not a UUID.
    """
    try:
        return _ID_PREFIX + str(uuid.UUID(asked))
    except ValueError:
        raise SqlRefusedError("page_refusal.sql.identifier", asked=repr(asked[:40])) from None


def ask(
    client: DruidClient,
    sql: str,
    parameters: Sequence[bool | int | float | str] = (),
    *,
    rows: int = DEFAULT_ROWS,
    seconds: float = DEFAULT_SECONDS,
    query_id: str = "",
    context: Mapping[str, object] | None = None,
) -> Answer:
    """Run a query for at most `rows` rows and `seconds`; `query_id` comes from `query_id()`.

    Raises:
        SqlRefusedError: a limit is out of range.
        DruidError: as `DruidClient.sql_table`.
    """
    _check_limits(rows, seconds)
    # One more row, which is not shown, tells that there are more. Druid keeps the query's order.
    context = {"sqlOuterLimit": rows + 1, **(context or {})}
    if query_id:
        context |= {"sqlQueryId": query_id, "queryId": query_id}
    began = time.monotonic()
    table = client.sql_table(
        sql, parameters, timeout=seconds, context=context, most_bytes=LARGEST_ANSWER
    )
    elapsed_ms = round(1000 * (time.monotonic() - began))
    return Answer(table.columns, table.rows[:rows], len(table.rows) > rows, elapsed_ms)


def ask_freely(
    client: DruidClient,
    text: str,
    tables: Collection[str],
    *,
    rows: int,
    seconds: float,
    query_id: str,
) -> Answer:
    """Run a person's query on the datasources `tables`, if `check` finds it harmless.

    Raises:
        SqlRefusedError: as `one_query` and `check`; a limit is out of range; Druid refuses the
            query, or its answer is too large.
        DruidError: Druid does not answer, the datasource does not exist, or the query timed out or
            was cancelled.
    """
    sql = one_query(text)
    subquery_rows = check(sql, tables)
    _check_limits(rows, seconds)
    try:
        if not sql.upper().startswith("EXPLAIN") and _IN_HEAP in _plan(client, sql, seconds):
            raise SqlRefusedError("page_refusal.sql.sorted_join")
        return ask(
            client,
            sql,
            rows=rows,
            seconds=seconds,
            query_id=query_id,
            context={"maxSubqueryRows": subquery_rows, **_CONTEXT},
        )
    except (
        DatasourceMissingError,
        DruidUnreachableError,
        QueryTimeoutError,
        QueryCanceledError,
    ):
        raise
    except AnswerTooLargeError as error:
        megabytes = LARGEST_ANSWER // 1_000_000
        raise SqlRefusedError("page_refusal.sql.large_answer", most=megabytes) from error
    except DruidError as error:
        if _TOO_MANY_ROWS in str(error):
            raise SqlRefusedError("page_refusal.sql.subquery_rows", most=subquery_rows) from error
        raise SqlRefusedError("page_refusal.sql.refused", error=error) from error


def _check_limits(rows: int, seconds: float) -> None:
    if not 1 <= rows <= MOST_ROWS:
        raise SqlRefusedError("page_refusal.sql.rows", most=MOST_ROWS, rows=rows)
    if not 1 <= seconds <= MOST_SECONDS:
        raise SqlRefusedError("page_refusal.sql.seconds", most=MOST_SECONDS, seconds=seconds)


def _plan(client: DruidClient, sql: str, seconds: float) -> str:
    try:
        [row] = client.sql(f"EXPLAIN PLAN FOR {sql}", timeout=seconds, context=_CONTEXT)
    except (DatasourceMissingError, QueryInvalidError):
        # Without "EXPLAIN PLAN FOR" in front, Druid's refusal has the right line and column.
        return ""
    return str(row["PLAN"])
