"""Render the library of queries as a page of the docs, for `./ventas docs`."""

from collections.abc import Sequence

from include.page.library import Column, Parameter, Query

_HEAD = """\
# Library of queries

The named queries of «Consultas», each a file of `include/page/sql/library/`. This page is made of
those files by `./ventas docs`; a test fails if it differs.

Times are `now`, so long before now (`-90m`, `-24h`, `-7d`) or local time of Buenos Aires
(`2026-11-24T09:00`). Money is whole centavos.
"""


def render(queries: Sequence[Query]) -> str:
    """Return the page in Markdown."""
    index = "\n".join(f"- [{query.title.en}](#{query.name})" for query in queries)
    return "\n\n".join([_HEAD.strip(), index, *map(_section, queries)]) + "\n"


def _section(query: Query) -> str:
    parts = [
        f'<a id="{query.name}"></a>\n\n## {query.title.en}',
        f"`{query.name}` · *{query.title.es}*",
        query.description.en,
        f"Columns: {', '.join(map(_column, query.columns))}.",
    ]
    if query.parameters:
        parts.insert(3, "\n".join(map(_parameter, query.parameters)))
    return "\n\n".join(parts)


def _parameter(parameter: Parameter) -> str:
    limits = {
        "number": f", {parameter.minimum} to {parameter.maximum}",
        "choice": f", one of {', '.join(parameter.choices)}",
    }.get(parameter.kind, "")
    default = f"`{parameter.default}`" if parameter.default else "blank"
    return f"- `{parameter.name}`: {parameter.label.en} ({parameter.kind}{limits}; {default})"


def _column(column: Column) -> str:
    return f"`{column.name}` ({column.kind})"
