"""Render the library of queries as a page of the docs, for `./ventas docs`."""

from collections.abc import Sequence

from include.page.library import Column, Parameter, Query
from include.texts import text

_HEAD = """\
# Library of queries

These are the named queries of «Consultas». Each is a file of `include/page/sql/library/`.
`./ventas docs` writes this page from them; a test fails if it differs.

A time is `now`, a span before now (`-90m`, `-24h`, `-7d`) or a local time of Buenos Aires
(`2026-11-24T09:00`). Money is whole centavos.
"""


def render(queries: Sequence[Query]) -> str:
    """Return the page in Markdown."""
    index = "\n".join(f"- [{_text(query, 'title')}](#{query.name})" for query in queries)
    return "\n\n".join([_HEAD.strip(), index, *map(_section, queries)]) + "\n"


def _section(query: Query) -> str:
    parts = [
        f'<a id="{query.name}"></a>\n\n## {_text(query, "title")}',
        f"`{query.name}` · *{_text(query, 'title', 'es')}*",
        _text(query, "description"),
        f"Columns: {', '.join(map(_column, query.columns))}.",
    ]
    if query.parameters:
        parts.insert(3, "\n".join(_parameter(query, it) for it in query.parameters))
    return "\n\n".join(parts)


def _parameter(query: Query, parameter: Parameter) -> str:
    limits = {
        "number": f", {parameter.minimum} to {parameter.maximum}",
        "choice": f", one of {', '.join(parameter.choices)}",
    }.get(parameter.kind, "")
    default = f"`{parameter.default}`" if parameter.default else "blank"
    label = _text(query, f"parameter.{parameter.name}")
    return f"- `{parameter.name}`: {label} ({parameter.kind}{limits}; {default})"


def _text(query: Query, part: str, language: str = "en") -> str:
    return text(query.text_key(part), language)


def _column(column: Column) -> str:
    return f"`{column.name}` ({column.kind})"
