"""Comparison of a wanted resource with the found one, and values in place of placeholders."""

import re
from collections.abc import Mapping
from typing import Any, Final

_WHOLE: Final = re.compile(r"\{(\w+)\}")


def filled(part: Any, values: Mapping[str, Any]) -> Any:
    """Return a copy with the values in place of ``{name}``.

    A text that is one placeholder becomes its value, of any type.

    Raises:
        KeyError: a value is not known yet.
    """
    if isinstance(part, dict):
        return {name: filled(value, values) for name, value in part.items()}
    if isinstance(part, list):
        return [filled(item, values) for item in part]
    if not isinstance(part, str):
        return part
    whole = _WHOLE.fullmatch(part)
    return values[whole[1]] if whole else part.format_map(values)


def difference(wanted: Any, found: Any, path: str = "") -> str:
    """Return the first difference, such as ``name: 1 → 2``; "" if `found` has all of `wanted`.

    `found` may have more keys. The order of a list does not count. Google answers a full URL for a
    partial one, and leaves out what is false or empty.
    """
    if isinstance(wanted, dict):
        for name, value in wanted.items():
            inner = found.get(name) if isinstance(found, dict) else None
            if told := difference(value, inner, f"{path}.{name}".lstrip(".")):
                return told
        return ""
    if isinstance(wanted, (list, tuple)):
        items = found or []
        missing = [each for each in wanted if all(difference(each, item) for item in items)]
        if not missing and len(items) == len(wanted):
            return ""
        if missing and len(items) == len(wanted) == 1:
            return difference(wanted[0], items[0], path)
        extra = [item for item in items if all(difference(each, item) for each in wanted)]
        return f"{path}: {_shown(extra)} → {_shown(missing)}"
    if wanted == found or (not wanted and not found):
        return ""
    if isinstance(wanted, str) and isinstance(found, str) and found.endswith(f"/{wanted}"):
        return ""
    return f"{path}: {_shown(found)} → {_shown(wanted)}"


def _shown(value: Any) -> str:
    text = "–" if value is None or value == [] else str(value)
    return text if len(text) <= 120 else f"{text[:119]}…"


def merged(wanted: Any, found: Any) -> Any:
    """Return `found` with everything of `wanted`."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return {**found, **{name: merged(value, found.get(name)) for name, value in wanted.items()}}
    return wanted
