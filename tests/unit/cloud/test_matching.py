"""Comparison of wanted and found resources."""

from __future__ import annotations

from typing import Any

import pytest

from include.cloud.matching import difference, filled, merged


@pytest.mark.parametrize(
    ("wanted", "found", "told"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, ""),
        ({"a": {"b": True}}, {"a": {}}, "a.b: – → True"),
        ({"a": False}, {}, ""),
        ({"a": "x/y"}, {"a": "https://host/v1/x/y"}, ""),
        ({"a": "y"}, {"a": "https://host/v1/xy"}, "a: https://host/v1/xy → y"),
        ({"a": ["x", "y"]}, {"a": ["y", "x"]}, ""),
        ({"a": ["x", "y"]}, {"a": ["y", "z"]}, "a: ['z'] → ['x']"),
        ({"a": ["x"]}, {"a": ["x", "z"]}, "a: ['z'] → –"),
        ({"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 1, "c": 3}]}, "a.c: 3 → 2"),
        ({"a": ["x"]}, {}, "a: – → ['x']"),
    ],
)
def test_first_difference_is_told(wanted: Any, found: Any, told: str) -> None:
    assert difference(wanted, found) == told


def test_placeholders_get_values_of_any_type() -> None:
    values = {"n": 5, "list": ["x"], "each": {"id": "y"}}
    part = {"a": "{n}", "b": "n={n}", "c": ["{list}"], "d": "{each[id]}", "e": 1}
    wanted = {"a": 5, "b": "n=5", "c": [["x"]], "d": "y", "e": 1}
    assert filled(part, values) == wanted


def test_merge_keeps_what_is_not_wanted() -> None:
    assert merged({"a": {"b": 1}}, {"a": {"b": 0, "c": 2}, "d": 3}) == {
        "a": {"b": 1, "c": 2},
        "d": 3,
    }
