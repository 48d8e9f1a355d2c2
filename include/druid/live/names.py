"""Values of columns as the page may show them, whatever a record has in their place."""

import json
from typing import Any, Final

LONGEST_NAME: Final = 200
"""Characters of a text that is shown. A product's name has 80 at most."""


def clean(value: Any) -> Any:
    """Return the value of a column as text, number or None that every JSON encoder takes.

    A longer text is cut, and half a surrogate pair, which no encoding has, becomes a question mark.
    """
    if value is None or isinstance(value, int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value)
    if len(text) > LONGEST_NAME:
        text = f"{text[: LONGEST_NAME - 1]}…"
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def clean_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of an answer with clean values."""
    return [{name: clean(value) for name, value in row.items()} for row in rows]
