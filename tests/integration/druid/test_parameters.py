"""SQL parameters on a real Druid: each comes back unchanged, and is never part of the query."""

import pytest

from include.druid.client import DruidClient, QueryInvalidError

TEXTS = [
    "",
    "it's",
    "'; DROP TABLE ventas; --",
    '"quoted"',
    "?",
    "%s {datasource} :x",
    "back\\slash",
    "two\nlines\tand a tab",
    "Ñandú 🧉",
    "/* a comment */",
    "x" * 100_000,
]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:20])
def test_text_parameter_comes_back_unchanged(druid: DruidClient, text: str) -> None:
    assert druid.sql("SELECT ? AS v", [text]) == [{"v": text}]
    where = "SELECT SCHEMA_NAME AS v FROM INFORMATION_SCHEMA.SCHEMATA WHERE SCHEMA_NAME = ?"
    assert druid.sql(where, [text]) == []
    assert druid.sql(where, ["sys"]) == [{"v": "sys"}]


@pytest.mark.parametrize("number", [0, -1, 2**63 - 1, -(2**63), 0.1, -1e300, 5e-300, True, False])
def test_number_parameter_keeps_all_its_digits(druid: DruidClient, number: float) -> None:
    [row] = druid.sql("SELECT ? AS v", [number])
    assert row == {"v": number}


@pytest.mark.parametrize("few", [[], [1]])
def test_too_few_parameters_raise_query_invalid(druid: DruidClient, few: list[int]) -> None:
    with pytest.raises(QueryInvalidError, match="parameter"):
        druid.sql("SELECT ? AS a, ? AS b", few)
