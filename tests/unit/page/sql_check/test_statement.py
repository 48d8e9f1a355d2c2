"""The check of free SQL: statements that may reach Druid, and refused statements."""

import inspect
import re
from collections import Counter

import pytest

from include.druid.queries import for_datasource
from include.page.library import Query, load_library
from include.page.sql_box import one_query
from include.page.sql_check import cursor, expressions, lexer, sizes, statement
from include.page.sql_check.lexer import SqlRefusedError
from include.page.sql_check.limits import MOST_LISTED, SUBQUERY_ROWS
from include.page.sql_check.statement import check
from include.page.sql_tokens import tokens
from include.texts import languages, table
from tests.support.hostile_sql import Hostile, corpus
from tests.support.owner_sql import ORDINARY
from tests.support.random_sql import POISONS, RandomSql

#: Queries of the library that the check refuses: they read sys tables, or have a bounded window.
#: They are safe because their SQL is the project's and people only give parameters.
ONLY_IN_LIBRARY = (
    *("cadence", "druid_servers", "ingestion_tasks", "segments_by_day", "supervisor_state"),
)
MODULES = (cursor, expressions, lexer, sizes, statement)
VALUES = {"time": "1795521600000", "number": "4", "text": "'x'", "choice": "'x'"}


def checked(sql: str) -> int:
    return check(one_query(sql), ["ventas"])


def refusal(sql: str) -> SqlRefusedError:
    with pytest.raises(SqlRefusedError) as refused:
        checked(sql)
    return refused.value


def told_in_each_language(sql: str) -> list[str]:
    refused = refusal(sql)
    return [refused.text(language) for language in languages()]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "SELECT * FROM ventas",
        'SELECT v.*, "producto" FROM druid.ventas AS v LIMIT 5 OFFSET 5',
        "SELECT DISTINCT provincia FROM ventas ORDER BY 1 DESC NULLS LAST FETCH FIRST 5 ROWS ONLY",
        "EXPLAIN PLAN FOR SELECT COUNT(*) FROM ventas",
        "SELECT producto AS año, COUNT(DISTINCT cliente) FROM ventas GROUP BY producto",
        "SELECT FLOOR(__time TO DAY), EXTRACT(HOUR FROM __time), LEFT(sku, 3) FROM ventas",
        "SELECT COUNT(*) FILTER (WHERE estado = 'aprobada' AND NOT sku IS NULL) FROM ventas",
        "SELECT -cantidad * (1 + .5e3) / 7 FROM ventas WHERE __time >= TIMESTAMP '2026-11-24'",
        "SELECT 1 FROM ventas WHERE __time > CURRENT_TIMESTAMP - INTERVAL '7' DAY",
        "SELECT 1 FROM ventas WHERE sku NOT IN ('a', 'it''s') AND cantidad BETWEEN 1 AND 2",
        "SELECT 1 FROM ventas WHERE producto NOT LIKE '%50!%%' ESCAPE '!'",
        "SELECT CASE emisor WHEN '' THEN 'x' ELSE emisor END, CAST(cuotas AS VARCHAR) FROM ventas",
        "SELECT CASE WHEN (cantidad > 1) IS TRUE THEN 1 END FROM ventas",
        "WITH a AS (SELECT sku FROM ventas), b AS (SELECT sku FROM a) SELECT COUNT(*) FROM a, b",
        "SELECT a.sku FROM ventas a LEFT OUTER JOIN (SELECT sku AS s FROM ventas) b ON a.sku = b.s",
        "SELECT sku FROM ventas UNION ALL SELECT producto FROM ventas ORDER BY 1",
        "SELECT 1 FROM ventas WHERE importe_centavos > (SELECT AVG(importe_centavos) FROM ventas)",
        "SELECT TIME_FLOOR(__time, 'PT15M', NULL, 'America/Argentina/Buenos_Aires') FROM ventas",
    ],
)
def test_statement_of_the_grammar_passes(sql: str) -> None:
    assert checked(sql) > 0


@pytest.mark.parametrize("name", ORDINARY)
def test_query_of_a_store_owner_passes(name: str) -> None:
    checked(ORDINARY[name])


@pytest.mark.parametrize("query", load_library(), ids=lambda query: query.name)
def test_query_of_the_library_passes_unless_it_reads_more_than_sales(query: Query) -> None:
    kinds = {parameter.name: parameter.kind for parameter in query.parameters}
    text = "".join(
        VALUES[kinds[token.text[1:]]] if token.kind == "name" else token.text
        for token in tokens(query.sql)
    )
    text = for_datasource(text, "ventas")
    if query.name in ONLY_IN_LIBRARY:
        refusal(text)
    else:
        checked(text)


@pytest.mark.parametrize("hostile", corpus(), ids=lambda hostile: hostile.attack)
def test_hostile_statement_is_refused_before_druid_or_known_to_end(hostile: Hostile) -> None:
    if hostile.kind == "refused":
        told = told_in_each_language(hostile.sql)
        assert all(each.endswith(".") and len(each) < 1_200 for each in told)
        assert len(set(told)) == len(told)
    else:
        checked(hostile.sql)


def test_corpus_has_enough_statements_of_each_kind_each_once() -> None:
    statements = corpus()
    kinds = Counter(each.kind for each in statements)
    assert kinds["refused"] >= 100
    assert kinds["asked"] >= 20
    assert kinds["heavy"] >= 10
    assert len({each.sql for each in statements}) == len(statements)


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT REPEAT('x', 9)", ("REPEAT", "COUNT, SUM")),
        ("SELECT * FROM sys.servers", ("sys.servers", "ventas")),
        ("SELECT SUM(cantidad) OVER () FROM ventas", ("OVER ()", "GROUP BY")),
        ("SELECT ROUND(1.5, 99)", ("99", "18")),
        ("SELECT TIME_FLOOR(__time, 'PT0S') FROM ventas", ("'PT0S'", "'PT1H'")),
        ("SELECT COUNT(*) FROM ventas LIMIT 999999999", ("999999999", "10000")),
        ("SELECT SUM(cantidad, 1) FROM ventas", ("SUM", "1")),
        ("SELECT 1 {", ("{", "+ - *")),
    ],
)
def test_refusal_names_what_is_refused_and_what_is_allowed(
    sql: str, names: tuple[str, str]
) -> None:
    for told in told_in_each_language(sql):
        assert all(name in told for name in names)


@pytest.mark.parametrize(
    ("call", "key"), [(r"\bbound", "too_many"), (r"self\._matching", "expected")]
)
def test_each_limit_and_each_expected_text_has_its_refusal(call: str, key: str) -> None:
    sources = [inspect.getsource(module) for module in MODULES]
    named = re.findall(rf'{call}\(.*, "(\w+)"\)', "\n".join(sources))
    assert set(named) == table("es")["page_refusal"]["sql"][key].keys()


def test_only_the_datasources_given_may_be_read() -> None:
    assert check("SELECT 1 FROM otra", ["otra"]) > 0
    for sql in ("SELECT 1 FROM ventas", "SELECT 1 FROM Otra", "SELECT 1 FROM x.otra"):
        with pytest.raises(SqlRefusedError, match="no se consulta"):
            check(sql, ["otra"])


def test_with_query_is_known_only_after_it_and_by_its_exact_name() -> None:
    for sql in (
        "WITH b AS (SELECT * FROM a), a AS (SELECT 1 AS n) SELECT * FROM b",
        "WITH a AS (SELECT * FROM a) SELECT * FROM a",
        "WITH a AS (SELECT 1 AS n) SELECT * FROM A",
        "WITH a AS (SELECT 1 AS n) SELECT * FROM druid.a",
    ):
        assert "no se consulta" in str(refusal(sql))


def test_only_two_derived_tables_are_joined_and_heavier_joins_get_fewer_rows() -> None:
    joined = "SELECT {} FROM {}"
    derived = "(SELECT sku, cantidad FROM ventas LIMIT 9)"
    pair = f"{derived} a, {derived} b"
    few = checked(joined.format("1", pair))
    fewer = checked(joined.format("1" + ", SUM(a.cantidad + b.cantidad)" * 40, pair))
    many = checked(joined.format("1", f"ventas a, {derived} b, {derived} c"))
    within = checked(joined.format("1", f"ventas a, ({joined.format('1', pair)}) b"))
    assert fewer < within < few < many == SUBQUERY_ROWS
    assert few > 2_000
    inner = joined.format("1 AS n", pair)
    for three in (f"{pair}, {derived} c", f"({inner}) a, {derived} b", f"{derived} a, ({inner}) b"):
        assert "subconsulta" in str(refusal(joined.format("1", three)))


def test_size_counts_expanded_derived_tables() -> None:
    columns = "SELECT {0} AS x FROM ({1}) t"
    text = "SELECT cantidad AS x FROM ventas"
    for _ in range(3):
        text = columns.format("x + x + x + x", text)
    checked(text)
    assert "en una expresión" in str(refusal(columns.format("x + x + x + x", text)))


@pytest.mark.parametrize("column", ["sku", "v.sku", '"v"."sku"'])
@pytest.mark.parametrize("negation", ["", "NOT "])
def test_column_with_many_listed_values_is_not_repeated(column: str, negation: str) -> None:
    listed = ", ".join(["'a'"] * MOST_LISTED)
    query = "SELECT 1 FROM ventas v WHERE {} {}IN ({})"
    checked(query.format(column, negation, listed))
    for operand in (f"LOWER({column})", f"{column} || 'b'", f"sku = {column}"):
        assert "en una expresión" in str(refusal(query.format(operand, negation, listed)))


def test_most_random_statements_pass_and_the_others_are_refused_for_their_size() -> None:
    sales = RandomSql(7)
    refused: list[str] = []
    for _ in range(300):
        try:
            checked(sales.statement())
        except SqlRefusedError as error:
            refused.append(str(error))
    assert len(refused) < 150
    # Only their size is refused, never an element of their grammar.
    assert all(told.startswith("La consulta tiene") for told in refused)


@pytest.mark.parametrize("poison", POISONS)
def test_hostile_expression_is_refused_wherever_it_stands(poison: str) -> None:
    sales = RandomSql(11)
    for _ in range(20):
        refusal(sales.statement(poison))
