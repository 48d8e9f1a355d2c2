"""The library: parsing of its files, values that people give, and its page in the docs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from include.page.library import (
    Chart,
    Column,
    LibraryError,
    Parameter,
    Query,
    Texts,
    ValuesError,
    bind,
    load_library,
)
from include.sales.local_time import epoch_ms

GOOD = """\
-- title_es: Prueba
-- title_en: Trial
-- description_es: Lo que muestra,
--   en dos renglones.
-- description_en: What it shows.
-- parameter: desde time -24h; Desde; From
-- parameter: cuantos number 5 1..50; Cuántos; How many
-- parameter: orden choice suben|bajan; Orden; Order
-- parameter: producto text; Producto; Product
-- column: producto text; Producto; Product
-- column: n number; Ventas; Sales
-- chart: bar producto: n
SELECT producto, COUNT(*) AS n FROM "{datasource}" -- not :this
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND (:producto = '' OR producto = :producto)
  AND motivo <> ':nor this' GROUP BY 1
ORDER BY CASE WHEN :orden = 'bajan' THEN n ELSE -n END LIMIT :cuantos
"""
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
QUERIES = load_library()

Load = Callable[..., list[Query]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Return a function that writes files, given by name, and loads their folder."""

    def load_files(**files: str) -> list[Query]:
        for name, text in files.items():
            (tmp_path / f"{name}.sql").write_text(text, encoding="utf-8")
        return load_library(tmp_path)

    return load_files


def test_file_is_parsed_into_a_query(load: Load) -> None:
    (query,) = load(prueba=GOOD)
    assert query == Query(
        name="prueba",
        title=Texts("Prueba", "Trial"),
        description=Texts("Lo que muestra, en dos renglones.", "What it shows."),
        parameters=(
            Parameter("desde", "time", Texts("Desde", "From"), "-24h"),
            Parameter("cuantos", "number", Texts("Cuántos", "How many"), "5", (), 1, 50),
            Parameter("orden", "choice", Texts("Orden", "Order"), "suben", ("suben", "bajan")),
            Parameter("producto", "text", Texts("Producto", "Product")),
        ),
        columns=(
            Column("producto", "text", Texts("Producto", "Product")),
            Column("n", "number", Texts("Ventas", "Sales")),
        ),
        chart=Chart("bar", "producto", ("n",)),
        sql=GOOD[GOOD.index("SELECT") :].strip(),
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("-- title_en: Trial", "-- title_en:", "a.sql:2: title_en is empty"),
        ("-- title_en: Trial\n", "", "a.sql:1: title_en is missing"),
        ("-- title_en: Trial", "-- title: Trial", "a.sql:2: there is no key 'title'; there are"),
        ("-- title_en: Trial", "-- title_es: Otra", "a.sql:2: title_es is given twice"),
        ("-- title_en: Trial", "--title_en: Trial", "a.sql:2: '--title_en: Trial' is not '-- key"),
        ("desde time -24h", "desde time ayer", "a.sql:6: 'ayer' is no default for time desde"),
        ("desde time -24h", "Desde time -24h", "a.sql:6: a parameter's name has small letters"),
        ("desde time -24h", "desde hora -24h", "a.sql:6: the kind is text or number or time or ch"),
        ("; Desde; From", "; Desde", "a.sql:6: 'desde time -24h; Desde' is not 'name kind defau"),
        ("5 1..50", "5", "a.sql:7: '5' is not 'default minimum..maximum'"),
        ("5 1..50", "0 1..50", "a.sql:7: '0' is no default for number cuantos"),
        ("suben|bajan;", "suben;", "a.sql:8: 'suben' is not 'a|b'"),
        (
            "producto text; Producto; Product\n-- c",
            "otro text; Otro; Other\n-- c",
            "a.sql:13: the SQ",
        ),
        ("n number; Ventas", "n number 3; Ventas", "a.sql:11: a column has no '3'"),
        ("n number; Ventas", "m number; Ventas", "a.sql:13: the SQL has no column m"),
        ("n number; Ventas", "producto text; Ventas", "a.sql:13: producto is given twice"),
        ("bar producto: n", "pie producto: n", "a.sql:12: 'pie producto: n' is not 'bar x: y, y'"),
        ("bar producto: n", "bar producto: m", "a.sql:13: the chart's m is no column"),
        ("LIMIT :cuantos", "LIMIT :tope", "a.sql:13: the SQL asks for :tope, which is no parame"),
        ("LIMIT :cuantos", "", "a.sql:13: the SQL does not use the parameter cuantos"),
        (GOOD[GOOD.index("SELECT") :], "", "a.sql:13: there is no SQL"),
    ],
)
def test_mistake_is_reported_with_file_and_line(
    load: Load, old: str, new: str, problem: str
) -> None:
    assert old in GOOD
    with pytest.raises(LibraryError) as error:
        load(a=GOOD.replace(old, new, 1))
    assert str(error.value).startswith(problem)


def test_mistakes_of_all_files_are_reported_together(load: Load, tmp_path: Path) -> None:
    (tmp_path / "odd.sql").write_bytes(b"-- title_es: \xff\n")
    with pytest.raises(LibraryError) as error:
        load(a=GOOD.replace("5 1..50", "x").replace("suben|bajan", ""), b=GOOD, c="SELECT 1")
    assert [line.split(": ")[0] for line in str(error.value).splitlines()] == [
        "a.sql:7",
        "a.sql:8",
        *["c.sql:1"] * 4,
        "odd.sql:1",
    ]


def test_values_are_bound_only_at_their_names(load: Load) -> None:
    (query,) = load(prueba=GOOD)
    evil = "'; DROP :orden --"
    sql, bound = bind(query, {"producto": evil, "cuantos": "7"}, datasource="v-1", now=NOW)
    day_before = epoch_ms(NOW - timedelta(hours=24))
    assert bound == [day_before, evil, evil, "suben", 7]
    assert sql == (
        'SELECT producto, COUNT(*) AS n FROM "v-1" -- not :this\n'
        "WHERE __time >= MILLIS_TO_TIMESTAMP(?) AND (? = '' OR producto = ?)\n"
        "  AND motivo <> ':nor this' GROUP BY 1\n"
        "ORDER BY CASE WHEN ? = 'bajan' THEN n ELSE -n END LIMIT ?"
    )


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", NOW),
        ("-90m", NOW - timedelta(minutes=90)),
        ("-7d", NOW - timedelta(days=7)),
        ("2026-11-24T09:00", NOW),
        ("2026-11-24", datetime(2026, 11, 24, 3, tzinfo=UTC)),
        ("2026-11-24T12:00:00Z", NOW),
    ],
)
def test_time_is_relative_to_now_or_local(load: Load, text: str, moment: datetime) -> None:
    (query,) = load(prueba=GOOD)
    _, bound = bind(query, {"desde": text}, datasource="v", now=NOW)
    assert bound[0] == epoch_ms(moment)


def test_invalid_values_are_reported_together(load: Load) -> None:
    (query,) = load(prueba=GOOD)
    values = {
        "desde": "ayer",
        "cuantos": "51",
        "orden": "",
        "producto": "x" * 201,
        "hasta": "now",
    }
    with pytest.raises(ValuesError) as error:
        bind(query, values, datasource="v", now=NOW)
    assert str(error.value).split("; ") == [
        "no hay un parámetro 'hasta'",
        "Desde: va un momento, como 2026-11-24T09:00, -24h, -7d o now, no 'ayer'",
        "Cuántos: va un número entero de 1 a 50, no '51'",
        "Orden: va uno de suben, bajan, no ''",
        f"Producto: van 200 caracteres como máximo, no {'x' * 40!r}",
    ]
    assert error.value.texts.en.split("; ") == [
        "there is no parameter 'hasta'",
        "From: a moment goes here, such as 2026-11-24T09:00, -24h, -7d or now, not 'ayer'",
        "How many: a whole number from 1 to 50 goes here, not '51'",
        "Order: one of suben, bajan goes here, not ''",
        f"Product: at most 200 characters go here, not {'x' * 40!r}",
    ]


@pytest.mark.parametrize("text", ["-99999d", "0001-01-01T00:00+14:00", "٣", "1.5", "", "9" * 5000])
def test_odd_texts_are_refused(load: Load, text: str) -> None:
    (query,) = load(prueba=GOOD)
    with pytest.raises(ValuesError):
        bind(query, {"desde": text, "cuantos": text}, datasource="v", now=NOW)


def test_library_has_enough_queries_with_distinct_texts() -> None:
    assert len(QUERIES) >= 24
    for texts in zip(*[(query.title, query.description) for query in QUERIES], strict=True):
        for language in ("es", "en"):
            told = [getattr(each, language) for each in texts]
            assert len(set(told)) == len(told), "two queries with the same text"
