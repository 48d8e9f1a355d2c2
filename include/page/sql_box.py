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
from include.page.sql_check import check
from include.page.sql_lexer import SqlRefusedError
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
        raise SqlRefusedError(
            f"La consulta tiene {len(text)} caracteres y pueden ser {LONGEST}.",
            f"The query has {len(text)} characters and may have {LONGEST}.",
        )
    # Comments are removed: one may hold a hint, and one at the end may swallow text that Druid
    # appends.
    parts = [Token("space", " ") if t.kind == "comment" else t for t in tokens(text)]
    if any(part.kind == "unclosed" for part in parts):
        raise SqlRefusedError(
            "Hay una comilla o un comentario que se abre y no se cierra.",
            "A quote or a comment is opened and not closed.",
        )
    while parts and (parts[-1].kind == "space" or parts[-1].text == ";"):
        parts.pop()
    if any(part == Token("sign", ";") for part in parts):
        raise SqlRefusedError(
            "Se admite una sola consulta: hay un punto y coma en el medio.",
            "One query is taken: there is a semicolon in the middle.",
        )
    words = [part.text.upper() for part in parts if part.kind != "space"]
    if not words:
        raise SqlRefusedError(
            "No hay ninguna consulta: escribí una que empiece con SELECT.",
            "There is no query: write one that begins with SELECT.",
        )
    first = words[3] if words[:3] == ["EXPLAIN", "PLAN", "FOR"] and words[3:] else words[0]
    if first not in _READS:
        raise SqlRefusedError(
            f"Una consulta empieza con SELECT, WITH o EXPLAIN PLAN FOR, y esta con {first[:40]}: "
            "acá solo se lee, nada se cambia.",
            "A query begins with SELECT, WITH or EXPLAIN PLAN FOR, and this one with "
            f"{first[:40]}: here one only reads, nothing is changed.",
        )
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
        raise SqlRefusedError(
            f"El identificador {asked[:40]!r} no es un UUID.",
            f"The identifier {asked[:40]!r} is no UUID.",
        ) from None


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
            raise SqlRefusedError(
                "Ordenar sin agrupar lo que da un JOIN se hace entero en la memoria de Druid y lo "
                "puede voltear: agrupá con GROUP BY, o sacá el ORDER BY.",
                "Druid sorts what a JOIN gives without grouping all in memory, and may fall over: "
                "group with GROUP BY, or take the ORDER BY away.",
            )
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
        raise SqlRefusedError(
            f"La respuesta pasa de {megabytes} MB: pedí menos columnas, menos filas o sumas.",
            f"The answer has more than {megabytes} MB: ask for fewer columns, fewer rows or sums.",
        ) from error
    except DruidError as error:
        if _TOO_MANY_ROWS in str(error):
            raise SqlRefusedError(
                f"Las subconsultas dan más de {subquery_rows} filas, que acá es lo que se admite: "
                "filtrá o agrupá dentro de ellas.",
                f"The subqueries give more than {subquery_rows} rows, which is what is allowed "
                "here: filter or group within them.",
            ) from error
        raise SqlRefusedError(
            f"Druid no acepta la consulta: {error}", f"Druid does not take the query: {error}"
        ) from error


def _check_limits(rows: int, seconds: float) -> None:
    if not 1 <= rows <= MOST_ROWS:
        raise SqlRefusedError(
            f"El límite de filas va de 1 a {MOST_ROWS}, y se pide {rows}.",
            f"The limit of rows is from 1 to {MOST_ROWS}, and {rows} is asked for.",
        )
    if not 1 <= seconds <= MOST_SECONDS:
        raise SqlRefusedError(
            f"El límite va de 1 a {MOST_SECONDS} segundos, y se pide {seconds}.",
            f"The limit is from 1 to {MOST_SECONDS} seconds, and {seconds} is asked for.",
        )


def _plan(client: DruidClient, sql: str, seconds: float) -> str:
    try:
        [row] = client.sql(f"EXPLAIN PLAN FOR {sql}", timeout=seconds, context=_CONTEXT)
    except (DatasourceMissingError, QueryInvalidError):
        # Without "EXPLAIN PLAN FOR" in front, Druid's refusal has the right line and column.
        return ""
    return str(row["PLAN"])
