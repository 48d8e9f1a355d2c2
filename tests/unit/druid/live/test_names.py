"""Values of columns as the page shows them, whatever a record has in their place."""

from typing import Any

import msgspec
import pytest

from include.druid.live.names import LONGEST_NAME, clean, clean_rows


@pytest.mark.parametrize("value", ["Córdoba", "", None, 3, -(2**63), 1.5])
def test_a_usual_value_stays_as_it_is(value: Any) -> None:
    assert clean(value) == value


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\ud800b", "a?b"),
        ("\udfff", "?"),
        (["Salta", "Jujuy"], '["Salta", "Jujuy"]'),
        ({"a": {"b": 1}}, '{"a": {"b": 1}}'),
        (["x\ud83d"], '["x\\ud83d"]'),
    ],
)
def test_another_value_becomes_text_that_json_can_hold(value: Any, shown: str) -> None:
    assert clean(value) == shown
    assert msgspec.json.decode(msgspec.json.encode(clean(value))) == shown


def test_a_long_text_is_cut_and_the_cut_shows() -> None:
    found = clean("ñ" * 1_000_000)
    assert (len(found), found[-2:]) == (LONGEST_NAME, "ñ…")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_lacks_is_null_in_the_answer(value: float) -> None:
    assert msgspec.json.encode(clean_rows([{"importe": value}])) == b'[{"importe":null}]'
