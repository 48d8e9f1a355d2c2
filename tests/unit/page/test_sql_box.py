"""Free SQL: extraction of the query, limits, and the requests to Druid."""

import uuid
from typing import Any

import pytest

from include.druid.client import (
    DatasourceMissingError,
    DruidClient,
    DruidError,
    QueryCanceledError,
    QueryTimeoutError,
    SqlColumn,
)
from include.page import sql_box
from include.page.sql_box import Answer, ask, ask_freely, one_query, query_id
from include.page.sql_check.lexer import SqlRefusedError
from include.page.sql_check.limits import SUBQUERY_ROWS
from tests.unit.druid.support import SQL, Router


@pytest.fixture
def client(router: Router) -> DruidClient:
    return DruidClient(router.url, retries=0)


def table(*rows: Any) -> tuple[int, Any]:
    return 200, [["producto", "n"], ["VARCHAR", "BIGINT"], *rows]


def plan(native: str = "groupBy") -> tuple[int, Any]:
    return 200, [{"PLAN": f'[{{"query":{{"queryType":"{native}"}}}}]'}]


def failure(category: str, message: str) -> Any:
    return {"error": "druidException", "category": category, "errorMessage": message}


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("SELECT 1", "SELECT 1"),
        ("  select 1 ;\n ; -- done;\n", "select 1"),
        ("-- first\nSELECT /* a; b */ 1", "SELECT   1"),
        ("SELECT ';', '--', \"a;b\", 'it''s' // ' ;", "SELECT ';', '--', \"a;b\", 'it''s'"),
        ("WITH a AS (SELECT 1) SELECT * FROM a", "WITH a AS (SELECT 1) SELECT * FROM a"),
        ("EXPLAIN PLAN FOR SELECT 1", "EXPLAIN PLAN FOR SELECT 1"),
        ("SELECT REPLACE(producto, 'a', 'b') FROM ventas", None),
        ("SELECT a/b*c, d-/*x*/-e", "SELECT a/b*c, d- -e"),
    ],
)
def test_one_query_drops_comments_and_final_semicolons(text: str, sql: str | None) -> None:
    assert one_query(text) == (sql or text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "No hay ninguna consulta"),
        (" ; -- nothing", "No hay ninguna consulta"),
        ("SELECT 1; SELECT 2", "una sola consulta"),
        ("SET timeout = 9; SELECT 1", "una sola consulta"),
        ("SELECT 1 -- ' \n; SELECT 2 -- '", "una sola consulta"),
        ("SELECT 1 // ' \n; SELECT 2 // '", "una sola consulta"),
        ("INSERT INTO x SELECT 1", "con INSERT: acá solo se lee"),
        ("/* SELECT */ replace INTO x OVERWRITE ALL SELECT 1", "con REPLACE: acá solo se lee"),
        ("EXPLAIN PLAN FOR INSERT INTO x SELECT 1", "con INSERT: acá solo se lee"),
        ("EXPLAIN SELECT 1", "con EXPLAIN"),
        ("(SELECT 1)", "con ("),
        ("SELECT 'a", "se abre y no se cierra"),
        ('SELECT "a', "se abre y no se cierra"),
        ("SELECT 1 /* a", "se abre y no se cierra"),
        ("SELECT 1 " + " " * 20_000, "20009 caracteres y pueden ser 20000"),
    ],
)
def test_text_without_exactly_one_reading_query_is_refused(text: str, reason: str) -> None:
    with pytest.raises(SqlRefusedError) as refused:
        one_query(text)
    assert reason in str(refused.value)
    assert refused.value.text("en") != refused.value.text("es") == str(refused.value)


def test_limits_are_sent_and_one_extra_row_marks_the_answer_as_truncated(
    router: Router, client: DruidClient
) -> None:
    router.on("POST", SQL, table(["a", 3], ["b", 2], ["c", 1]))
    answer = ask(client, "SELECT ?", ["a"], rows=2, seconds=5, query_id="consulta-1")
    columns = [SqlColumn("producto", "VARCHAR"), SqlColumn("n", "BIGINT")]
    assert answer == Answer(columns, [["a", 3], ["b", 2]], True, answer.elapsed_ms)
    ids = {"sqlQueryId": "consulta-1", "queryId": "consulta-1"}
    assert router.asked[0].body == {
        "query": "SELECT ?",
        "parameters": [{"type": "VARCHAR", "value": "a"}],
        "context": {"timeout": 5000, "noProjections": True, "sqlOuterLimit": 3, **ids},
        "resultFormat": "array",
        "header": True,
        "sqlTypesHeader": True,
    }
    assert not ask(client, "SELECT 1", rows=3).truncated


@pytest.mark.parametrize(("rows", "seconds"), [(0, 5), (10_001, 5), (5, 0), (5, 31), (5, 1e300)])
def test_limit_out_of_range_is_refused(
    router: Router, client: DruidClient, rows: int, seconds: float
) -> None:
    with pytest.raises(SqlRefusedError, match="límite"):
        ask(client, "SELECT 1", rows=rows, seconds=seconds)
    with pytest.raises(SqlRefusedError, match="límite"):
        ask_freely(client, "SELECT 1", ["ventas"], rows=rows, seconds=seconds, query_id="")
    assert router.asked == []


def freely(client: DruidClient, text: str) -> Answer:
    return ask_freely(client, text, ["ventas"], rows=10, seconds=5, query_id="")


def test_plan_that_sorts_in_the_brokers_heap_is_refused(
    router: Router, client: DruidClient
) -> None:
    router.on("POST", SQL, plan("windowOperator"))
    with pytest.raises(SqlRefusedError, match="JOIN"):
        freely(client, "SELECT 1")
    assert [asked.body["query"] for asked in router.asked] == ["EXPLAIN PLAN FOR SELECT 1"]

    router.on("POST", SQL, plan(), table(["a", 1]))
    assert freely(client, "SELECT 1").rows == [["a", 1]]


def test_statement_refused_by_the_check_never_reaches_druid(
    router: Router, client: DruidClient
) -> None:
    with pytest.raises(SqlRefusedError, match="REPEAT"):
        freely(client, "SELECT REPEAT('x', 1000000000)")
    with pytest.raises(SqlRefusedError, match="REPEAT"):
        freely(client, "EXPLAIN PLAN FOR SELECT REPEAT('x', 1000000000)")
    assert router.asked == []


def test_too_large_answer_is_refused(
    router: Router, client: DruidClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_box, "LARGEST_ANSWER", 1_000_000)
    router.on("POST", SQL, plan(), table(["x" * 2_000_000, 1]))
    with pytest.raises(SqlRefusedError, match="La respuesta pasa de 1 MB"):
        freely(client, "SELECT producto, cantidad FROM ventas")


def test_free_sql_groups_outside_the_heap_and_leaves_the_cache_alone(
    router: Router, client: DruidClient
) -> None:
    router.on("POST", SQL, plan(), table(["a", 1]))
    freely(client, "SELECT 1")
    context = router.asked[-1].body["context"]
    assert (context["useApproximateTopN"], context["populateCache"]) == (False, False)


def test_rows_of_subqueries_are_limited_for_free_sql(router: Router, client: DruidClient) -> None:
    router.on("POST", SQL, *[plan(), table(["a", 1])] * 2)
    freely(client, "SELECT 1")
    assert router.asked[-1].body["context"]["maxSubqueryRows"] == SUBQUERY_ROWS
    derived = "(SELECT sku FROM ventas LIMIT 9)"
    freely(client, f"SELECT 1 FROM {derived} a, {derived} b")  # noqa: S608
    assert router.asked[-1].body["context"]["maxSubqueryRows"] < SUBQUERY_ROWS


def test_too_many_subquery_rows_are_refused_with_the_limit(
    router: Router, client: DruidClient
) -> None:
    told = "Cannot issue the query, subqueries generated results beyond maximum[9] rows. Try …"
    wrong = 400, failure("CAPACITY_EXCEEDED", told)
    router.on("POST", SQL, plan(), wrong)
    with pytest.raises(SqlRefusedError, match=f"más de {SUBQUERY_ROWS} filas"):
        freely(client, "SELECT 1")


def test_refusal_of_druid_has_its_message(router: Router, client: DruidClient) -> None:
    wrong = 400, failure("INVALID_INPUT", "Column 'x' not found (line [1], column [8])")
    router.on("POST", SQL, wrong)
    with pytest.raises(SqlRefusedError, match=r"no acepta la consulta: Column 'x' not found"):
        freely(client, "SELECT x")
    # The last request has no EXPLAIN, which would shift the columns in the message.
    assert router.asked[-1].body["query"] == "SELECT x"

    router.on("POST", SQL, (400, failure("INVALID_INPUT", "Object 'ventas' not found")))
    with pytest.raises(DatasourceMissingError):
        freely(client, "SELECT 1 FROM ventas")


@pytest.mark.parametrize(
    ("status", "category", "kind"),
    [(504, "TIMEOUT", QueryTimeoutError), (500, "CANCELED", QueryCanceledError)],
)
def test_slow_or_cancelled_query_raises_its_own_error(
    router: Router, client: DruidClient, status: int, category: str, kind: type[Exception]
) -> None:
    router.on("POST", SQL, plan(), (status, failure(category, "so it is")))
    with pytest.raises(kind, match="so it is"):
        freely(client, "SELECT 1")


def test_only_a_uuid_names_a_query() -> None:
    asked = str(uuid.uuid4())
    assert query_id(asked) == f"consulta-{asked}"
    for other in ("", "x", "../../x", asked + "x"):
        with pytest.raises(SqlRefusedError, match="UUID"):
            query_id(other)


def test_cancelling_an_unknown_query_is_not_an_error(router: Router, client: DruidClient) -> None:
    router.on("DELETE", "/druid/v2/one", (202, b""))
    client.cancel_sql("one")
    router.on("DELETE", f"{SQL}/one", (500, b""))
    with pytest.raises(DruidError, match="500"):
        client.cancel_sql("one")
