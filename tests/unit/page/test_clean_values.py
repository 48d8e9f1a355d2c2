"""Cleaning of column values, usual and hostile ones, for the page."""

from typing import Any

import msgspec
import pytest

from include.page.clean_values import LONGEST_NAME, clean, clean_rows


@pytest.mark.parametrize("value", ["Córdoba", "", None, 3, -(2**63), 1.5])
def test_usual_value_is_unchanged(value: Any) -> None:
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
def test_odd_value_becomes_text_that_json_can_encode(value: Any, shown: str) -> None:
    assert clean(value) == shown
    assert msgspec.json.decode(msgspec.json.encode(clean(value))) == shown


def test_long_text_is_cut_and_ends_with_an_ellipsis() -> None:
    found = clean("ñ" * 1_000_000)
    assert (len(found), found[-2:]) == (LONGEST_NAME, "ñ…")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nan_or_infinity_is_null_in_json(value: float) -> None:
    assert msgspec.json.encode(clean_rows([{"importe": value}])) == b'[{"importe":null}]'
