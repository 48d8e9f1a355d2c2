"""The library: parsing of its files, values that people give, and its page in the docs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from include.druid.front_matter import SqlFileError
from include.page.library import (
    Chart,
    Column,
    Parameter,
    Query,
    ValuesError,
    bind,
    load_library,
)
from include.sales.local_time import epoch_ms
from include.texts import Texts

GOOD = """\
-- title: {es: Prueba, en: Trial}
-- description:
--   es: Lo que muestra,
--     en dos renglones.
--   en: What it shows.
-- parameters:
--   - {name: desde, kind: time, default: -24h, label: {es: Desde, en: From}}
--   - {name: cuantos, kind: number, default: 5, minimum: 1, maximum: 50,
--       label: {es: Cuántos, en: How many}}
--   - {name: orden, kind: choice, default: suben, choices: [suben, bajan],
--       label: {es: Orden, en: Order}}
--   - {name: producto, kind: text, label: {es: Producto, en: Product}}
-- columns:
--   - {name: producto, kind: text, title: {es: Producto, en: Product}}
--   - {name: n, kind: number, title: {es: Ventas, en: Sales}}
-- chart: {kind: bar, x: producto, y: [n]}
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
        (", en: Trial", "", "a.sql:1: Object missing required field `en` - at `$.title`"),
        ("en: Trial", "en: ''", "a.sql:1: a text of Texts(es='Prueba', en='') is empty"),
        ("-- chart:", "-- titulo:", "a.sql:16: Object contains unknown field `titulo`"),
        ("-- chart:", "-- title:", "a.sql:16: the header is not YAML: title is given twice"),
        ("default: -24h", "default: ayer", "a.sql:6: 'ayer' is no default for time desde - at"),
        ("name: desde", "name: Desde", "a.sql:6: Expected `str` matching regex '^[a-z_]+$' - at"),
        ("kind: time", "kind: hora", "a.sql:6: Invalid enum value 'hora' - at `$.parameters[0]."),
        (", minimum: 1, maximum: 50", "", "a.sql:6: '5' is no default for number cuantos"),
        ("default: 5", "default: 0", "a.sql:6: '0' is no default for number cuantos"),
        ("default: suben, ", "", "a.sql:6: '' is no default for choice orden"),
        ("name: producto", "name: otro", "a.sql:1: the SQL asks for :producto, which is no param"),
        ("title: {es: Ventas", "size: 3, title: {es: Ventas", "a.sql:13: Object contains unknow"),
        ("name: n", "name: m", "a.sql:1: the SQL has no column m"),
        ("name: n", "name: producto", "a.sql:1: the chart's n is no column; producto is given t"),
        ("kind: bar", "kind: pie", "a.sql:16: Invalid enum value 'pie' - at `$.chart.kind`"),
        ("y: [n]", "y: [m]", "a.sql:1: the chart's m is no column"),
        ("LIMIT :cuantos", "LIMIT :tope", "a.sql:1: the SQL asks for :tope, which is no parame"),
        ("LIMIT :cuantos", "", "a.sql:1: the SQL does not use the parameter cuantos"),
        (GOOD[GOOD.index("SELECT") :], "", "a.sql:1: there is no SQL"),
    ],
)
def test_mistake_is_reported_with_file_and_line(
    load: Load, old: str, new: str, problem: str
) -> None:
    assert old in GOOD
    with pytest.raises(SqlFileError) as error:
        load(a=GOOD.replace(old, new, 1))
    assert str(error.value).startswith(problem)


def test_mistakes_of_all_files_are_reported_together(load: Load, tmp_path: Path) -> None:
    (tmp_path / "odd.sql").write_bytes(b"-- title: \xff\n")
    with pytest.raises(SqlFileError) as error:
        load(a=GOOD.replace("kind: bar", "kind: pie"), b=GOOD, c="SELECT 1")
    assert [line.split(": ")[0] for line in str(error.value).splitlines()] == [
        "a.sql:16",
        "c.sql:1",
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
    assert error.value.text("en").split("; ") == [
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
