"""Clean the values of columns for the page, because a record may hold anything in a column."""

import json
from typing import Any, Final

LONGEST_NAME: Final = 200
"""Most characters of a text that is shown; a product's name has 80 at most."""


def clean(value: Any) -> Any:
    """Return a column's value as a text, number or None that every JSON encoder accepts.

    A text above `LONGEST_NAME` is cut. A lone surrogate, which UTF-8 cannot encode, becomes "?".
    """
    if value is None or isinstance(value, int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value)
    if len(text) > LONGEST_NAME:
        text = f"{text[: LONGEST_NAME - 1]}…"
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def clean_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: clean(value) for name, value in row.items()} for row in rows]
