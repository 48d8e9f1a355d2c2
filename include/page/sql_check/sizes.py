"""Size of a query after Calcite has expanded every WITH and every derived table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from include.page.sql_check.lexer import bound
from include.page.sql_check.limits import MOST_WEIGHT
from include.sales.event import FIELDS


class Weighed(NamedTuple):
    """Size of an expression: words, how many of them are columns, and pieces of long texts."""

    words: int
    columns: int
    pieces: int

    def over(self, below: "QuerySize") -> "Weighed":
        """Return the size with each column replaced by the largest expression of query `below`."""
        return Weighed(
            self.words + self.columns * below.weight,
            self.columns,
            self.pieces + self.columns * below.pieces,
        )


@dataclass(frozen=True)
class QuerySize:
    """Size of a query with its derived tables expanded; the defaults are those of a table."""

    columns: int = len(FIELDS)
    weight: int = 1
    """Words of the largest column."""
    pieces: int = 0
    """Pieces of the longest text in a column."""
    reads: int = 1
    sources: int = 1
    """Tables of the FROM and of its derived tables: Calcite may merge them into one FROM."""
    levels: int = 0
    size: int = 0
    """Words of all expressions."""
    texts: int = 0
    """Pieces of the texts in all columns."""


@dataclass
class Scope:
    """Tables and expressions of a SELECT or an ORDER BY that have been read so far."""

    sources: list[tuple[str, QuerySize]] = field(default_factory=list)
    """Tables by alias."""
    inner: list[QuerySize] = field(default_factory=list)
    """Queries within the expressions."""
    expressions: list[Weighed] = field(default_factory=list)
    conditions: list[Weighed] = field(default_factory=list)
    """Expressions of WHERE, HAVING and ON, whose texts do not get into a row."""


def largest(queries: Sequence[QuerySize]) -> QuerySize:
    """Return the largest column sizes of `queries`; those of a table if there are none."""
    return QuerySize(
        weight=max((each.weight for each in queries), default=1),
        pieces=max((each.pieces for each in queries), default=0),
    )


def measured(scope: Scope, below: QuerySize, inner: Sequence[QuerySize], **known: int) -> QuerySize:
    """Return the size of a query: the `known` measures, and those of its expanded expressions.

    Columns of its expressions are replaced by those of the query `below`; `inner` are the queries
    that it contains.

    Raises:
        SqlRefusedError: an expression is too large.
    """
    shown = [each.over(below) for each in scope.expressions]
    written = [*shown, *(each.over(below) for each in scope.conditions)]
    bound(max((each.words for each in written), default=0), MOST_WEIGHT, "words_of_expression")
    return QuerySize(
        size=sum(each.words for each in written) + sum(each.size for each in inner),
        texts=sum(each.pieces for each in shown) + sum(each.texts for each in inner),
        **known,
    )
