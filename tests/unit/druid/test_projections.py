"""The projections of a compacted day: their columns, in the order that Druid 33 needs."""

from include.druid.projections import projections
from include.page.explore.split import DIMENSIONS, MEASURES
from include.page.filters import COLUMNS
from include.page.overview import GROUPS


def columns_of(name: str) -> list[str]:
    [found] = [it for it in projections() if it["name"] == name]
    return [column["name"] for column in found["groupingColumns"]]


def test_columns_are_in_the_order_of_a_java_hash_map() -> None:
    assert columns_of("places") == [
        "__gran",
        "estado",
        "ciudad",
        "sucursal",
        "plataforma",
        "provincia",
    ]
    assert columns_of("products") == ["__gran", "estado", "categoria", "producto"]
    assert columns_of("payments") == ["__gran", "estado", "tipo_pago", "cuotas", "emisor"]


def test_each_sum_of_the_page_has_a_projection() -> None:
    known = [{column["name"] for column in it["groupingColumns"]} for it in projections()]
    sums = {part["fieldName"] for it in projections() for part in it["aggregators"][1:]}
    asked = [{*columns} for columns in GROUPS.values()]
    asked += [{column, "estado"} for column in COLUMNS.values()]
    asked += [{its.column, "estado"} for its in DIMENSIONS.values() if its.column]
    assert all(any(columns <= projection for projection in known) for columns in asked)
    assert {its.column for its in MEASURES.values()} <= sums
