"""The library: parsing of its files, values that people give, and its page in the docs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product
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
from include.texts import languages, text

GOOD = """\
-- parameters:
--   - {name: desde, kind: time, default: -24h}
--   - {name: cuantos, kind: number, default: 5, minimum: 1, maximum: 50}
--   - {name: orden, kind: choice, default: suben, choices: [suben, bajan]}
--   - {name: categoria, kind: text}
-- columns:
--   - {name: producto, kind: text}
--   - {name: n, kind: number}
-- chart: {kind: bar, x: producto, y: [n]}
SELECT producto, COUNT(*) AS n FROM "{datasource}" -- not :this
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND (:categoria = '' OR categoria = :categoria)
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
        for name, content in files.items():
            (tmp_path / f"{name}.sql").write_text(content, encoding="utf-8")
        return load_library(tmp_path)

    return load_files


def test_file_is_parsed_into_a_query(load: Load) -> None:
    (query,) = load(prueba=GOOD)
    assert query == Query(
        name="prueba",
        parameters=(
            Parameter("desde", "time", "-24h"),
            Parameter("cuantos", "number", "5", (), 1, 50),
            Parameter("orden", "choice", "suben", ("suben", "bajan")),
            Parameter("categoria", "text"),
        ),
        columns=(Column("producto", "text"), Column("n", "number")),
        chart=Chart("bar", "producto", ("n",)),
        sql=GOOD[GOOD.index("SELECT") :].strip(),
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("-- chart:", "-- titulo:", "a.sql:9: Object contains unknown field `titulo`"),
        ("-- chart:", "-- columns:", "a.sql:9: the header is not YAML: columns is given twice"),
        ("default: -24h", "default: ayer", "a.sql:1: 'ayer' is no default for time desde - at"),
        ("name: desde", "name: Desde", "a.sql:1: Expected `str` matching regex '^[a-z_]+$' - at"),
        ("kind: time", "kind: hora", "a.sql:1: Invalid enum value 'hora' - at `$.parameters[0]."),
        (", minimum: 1, maximum: 50", "", "a.sql:1: '5' is no default for number cuantos"),
        ("default: 5", "default: 0", "a.sql:1: '0' is no default for number cuantos"),
        ("default: suben, ", "", "a.sql:1: '' is no default for choice orden"),
        ("name: categoria", "name: otra", "a.sql:1: the SQL asks for :categoria, which is no para"),
        (
            "kind: number}",
            "kind: number, size: 3}",
            "a.sql:6: Object contains unknown field `size`",
        ),
        ("name: n", "name: m", "a.sql:1: the SQL has no column m"),
        ("name: n", "name: producto", "a.sql:1: the chart's n is no column; producto is given t"),
        ("kind: bar", "kind: pie", "a.sql:9: Invalid enum value 'pie' - at `$.chart.kind`"),
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
    (tmp_path / "odd.sql").write_bytes(b"-- columns: \xff\n")
    with pytest.raises(SqlFileError) as error:
        load(a=GOOD.replace("kind: bar", "kind: pie"), b=GOOD, c="SELECT 1")
    assert [line.split(": ")[0] for line in str(error.value).splitlines()] == [
        "a.sql:9",
        "c.sql:1",
        "odd.sql:1",
    ]


def test_values_are_bound_only_at_their_names(load: Load) -> None:
    (query,) = load(prueba=GOOD)
    evil = "'; DROP :orden --"
    sql, bound = bind(query, {"categoria": evil, "cuantos": "7"}, datasource="v-1", now=NOW)
    day_before = epoch_ms(NOW - timedelta(hours=24))
    assert bound == [day_before, evil, evil, "suben", 7]
    assert sql == (
        'SELECT producto, COUNT(*) AS n FROM "v-1" -- not :this\n'
        "WHERE __time >= MILLIS_TO_TIMESTAMP(?) AND (? = '' OR categoria = ?)\n"
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
        "categoria": "x" * 201,
        "hasta": "now",
    }
    with pytest.raises(ValuesError) as error:
        bind(query, values, datasource="v", now=NOW)
    assert str(error.value).split("; ") == [
        "no hay un parámetro 'hasta'",
        "Desde: va un momento, como 2026-11-24T09:00, -24h, -7d o now, no 'ayer'",
        "Cuántos: va un número entero de 1 a 50, no '51'",
        "Primero los que: va uno de suben, bajan, no ''",
        f"Categoría: van 200 caracteres como máximo, no {'x' * 40!r}",
    ]
    assert error.value.text("en").split("; ") == [
        "there is no parameter 'hasta'",
        "From: a moment goes here, such as 2026-11-24T09:00, -24h, -7d or now, not 'ayer'",
        "How many: a whole number from 1 to 50 goes here, not '51'",
        "First those that: one of suben, bajan goes here, not ''",
        f"Category: at most 200 characters go here, not {'x' * 40!r}",
    ]


@pytest.mark.parametrize("text", ["-99999d", "0001-01-01T00:00+14:00", "٣", "1.5", "", "9" * 5000])
def test_odd_texts_are_refused(load: Load, text: str) -> None:
    (query,) = load(prueba=GOOD)
    with pytest.raises(ValuesError):
        bind(query, {"desde": text, "cuantos": text}, datasource="v", now=NOW)


def test_library_has_enough_queries_with_distinct_texts() -> None:
    assert len(QUERIES) >= 24
    for part, language in product(("title", "description"), languages()):
        told = [text(query.text_key(part), language) for query in QUERIES]
        assert len(set(told)) == len(told), "two queries with the same text"


def test_query_may_have_its_own_words_for_a_column(load: Load) -> None:
    (other, hourly) = load(prueba=GOOD, basket_by_hour=GOOD)[::-1]
    assert text(other.text_key("column.hora"), "en") == "Hour"
    assert text(hourly.text_key("column.hora"), "en") == "Hour of the day"
