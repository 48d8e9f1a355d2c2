"""Check free SQL before Druid reads it: only statements of a small, known grammar pass.

Druid's planner computes constants and rewrites expressions, and Druid's time-out does not stop it.
So the check comes before any call of Druid, EXPLAIN included. It is a recursive-descent parser for
a part of Calcite's SQL, and it refuses every statement that it cannot parse, so a form of SQL that
nobody thought of is refused too. A general parser does not help: sqlglot, which was tried, accepts
the union of many dialects, reads ``U&'…'`` as an operator, and runs out of stack on deep nesting.

The check limits the functions (``allowed_functions.txt``), the tables, the literals, and the
size of the statement after Calcite has expanded every WITH and every derived table.
"""

from collections.abc import Collection
from math import isqrt

from include.page.sql_check.expressions import Expressions
from include.page.sql_check.lexer import SqlRefusedError, bound
from include.page.sql_check.limits import (
    JOINED_WORK,
    LARGEST_LIMIT,
    MOST_COLUMNS,
    MOST_LEVELS,
    MOST_PIECES,
    MOST_READS,
    MOST_SIZE,
    MOST_SKETCHES,
    SUBQUERY_ROWS,
)
from include.page.sql_check.sizes import QuerySize, Scope, Weighed, largest, measured


def check(sql: str, tables: Collection[str]) -> int:
    """Check one statement that has no comments and no semicolon.

    Returns Druid's `maxSubqueryRows` for it: the most rows that all its subqueries may have.

    Args:
        sql: the statement that Druid will get, as `sql_box.one_query` returns it.
        tables: datasources that the statement may read.

    Raises:
        SqlRefusedError: the statement is not known to be harmless; the message names the refused
            part and the allowed ones.
    """
    return _Statement(sql, tables).read()


class _Statement(Expressions):
    def __init__(self, sql: str, tables: Collection[str]) -> None:
        super().__init__(sql)
        self._tables = tables
        self._with: dict[str, QuerySize] = {}
        self._is_joined_in_broker = False

    def read(self) -> int:
        """Read the whole statement, and return its `maxSubqueryRows`."""
        if self._word("EXPLAIN"):
            self._expect("PLAN")
            self._expect("FOR")
        queries: list[QuerySize] = []
        if self._word("WITH"):
            while True:
                name = self._name()
                if name in self._with:
                    raise SqlRefusedError("page_refusal.sql.with_twice", name=name[:60])
                self._expect("AS")
                self._expect("(")
                query = self._query()
                self._expect(")")
                self._with[name] = query
                queries.append(query)
                if not self._sign(","):
                    break
        queries.append(self._query())
        if self._token.kind != "end":
            raise self._unknown()
        size = sum(query.size for query in queries)
        bound(size, MOST_SIZE, "words")
        bound(sum(query.texts for query in queries), MOST_PIECES, "texts")
        bound(self._sketches, MOST_SKETCHES, "sketches")
        if not self._is_joined_in_broker:
            return SUBQUERY_ROWS
        return min(SUBQUERY_ROWS, isqrt(JOINED_WORK // size))

    def _query(self) -> QuerySize:
        queries = [self._select()]
        while self._word("UNION"):
            self._expect("ALL")
            queries.append(self._select())
        order = Scope()
        if self._word("ORDER"):
            self._expect("BY")
            self._listed(self._ordered, order, MOST_COLUMNS)
        self._limits()
        inner = [*queries, *order.inner]
        below = largest(queries)
        query = measured(
            order,
            below,
            inner,
            columns=max(each.columns for each in queries),
            weight=below.weight,
            pieces=below.pieces,
            reads=sum(each.reads for each in inner),
            sources=max(each.sources for each in queries),
            levels=max(each.levels for each in inner),
        )
        bound(query.reads, MOST_READS, "reads")
        bound(query.levels, MOST_LEVELS, "levels")
        return query

    def _select(self) -> QuerySize:
        scope = Scope()
        self._expect("SELECT")
        if not self._word("DISTINCT"):
            self._word("ALL")
        stars: list[str] = []
        items: list[Weighed] = []
        while True:
            star = self._star()
            if star is None:
                items.append(self._expression(scope))
                self._alias()
            else:
                stars.append(star)
            if not self._sign(","):
                break
        if self._word("FROM"):
            self._joined(scope)
        if self._word("WHERE"):
            self._condition(scope)
        if self._word("GROUP"):
            self._expect("BY")
            self._listed(self._expression, scope, MOST_COLUMNS)
        if self._word("HAVING"):
            self._condition(scope)
        inner = [query for _, query in scope.sources]
        below = largest(inner)
        columns = len(items)
        for star in stars:
            named = [query for alias, query in scope.sources if alias == star]
            columns += sum(query.columns for query in named or inner)
        bound(columns, MOST_COLUMNS, "columns")
        inner += scope.inner
        written = [item.over(below) for item in items]
        return measured(
            scope,
            below,
            inner,
            columns=columns,
            weight=max([below.weight, *(item.words for item in written)]),
            pieces=max([below.pieces, *(item.pieces for item in written)]),
            reads=max(1, sum(query.reads for query in inner)),
            sources=max(1, sum(query.sources for _, query in scope.sources)),
            levels=1 + max((query.levels for query in inner), default=0),
        )

    def _star(self) -> str | None:
        """Return the alias of ``alias.*``, "" for ``*`` alone, None if there is no star."""
        if self._sign("*"):
            return ""
        ahead = [token.text for token in self._tokens[self._at + 1 : self._at + 3]]
        if not self._is_name() or ahead != [".", "*"]:
            return None
        name = self._name()
        self._at += 2
        return name

    def _joined(self, scope: Scope) -> None:
        self._source(scope)
        while True:
            if self._sign(","):
                self._source(scope)
            elif self._word("CROSS"):
                self._expect("JOIN")
                self._source(scope)
            elif self._token.text.upper() in ("JOIN", "INNER", "LEFT", "RIGHT", "FULL"):
                if self._word("LEFT") or self._word("RIGHT") or self._word("FULL"):
                    self._word("OUTER")
                else:
                    self._word("INNER")
                self._expect("JOIN")
                self._source(scope)
                self._expect("ON")
                self._condition(scope)
            else:
                break
        sources = scope.sources
        if len(sources) > 1 and sources[0][1].levels:
            self._is_joined_in_broker = True
            if sum(query.sources for _, query in sources) > 2:
                tables = ", ".join(self._tables)
                raise SqlRefusedError("page_refusal.sql.joined_subquery", tables=tables)

    def _source(self, scope: Scope) -> None:
        if self._sign("("):
            with self._deeper():
                name, query = "", self._query()
                self._expect(")")
        else:
            name, query = self._table()
        scope.sources.append((self._alias() or name, query))

    def _table(self) -> tuple[str, QuerySize]:
        names = [self._name()]
        while self._sign("."):
            names.append(self._name())
        if len(names) == 1 and names[0] in self._with:
            return names[0], self._with[names[0]]
        # Datasources are in Druid's default schema, "druid".
        if names[-1] not in self._tables or names[:-1] not in ([], ["druid"]):
            shown, allowed = ".".join(names)[:60], ", ".join(self._tables)
            raise SqlRefusedError("page_refusal.sql.table", name=shown, allowed=allowed)
        return names[-1], QuerySize()

    def _alias(self) -> str:
        return self._name() if self._word("AS") or self._is_name() else ""

    def _ordered(self, scope: Scope) -> None:
        self._expression(scope)
        if not self._word("ASC"):
            self._word("DESC")
        if self._word("NULLS") and not self._word("FIRST"):
            self._expect("LAST")

    def _limits(self) -> None:
        if self._word("LIMIT"):
            self._rows()
        if self._word("OFFSET"):
            self._rows()
            if not self._word("ROWS"):
                self._word("ROW")
        if self._word("FETCH"):
            if not self._word("FIRST"):
                self._expect("NEXT")
            self._rows()
            if not self._word("ROWS"):
                self._expect("ROW")
            self._expect("ONLY")

    def _rows(self) -> None:
        token = self._take("number")
        if not token.text.isdecimal() or int(token.text) > LARGEST_LIMIT:
            raise SqlRefusedError("page_refusal.sql.limit", most=LARGEST_LIMIT, number=token.text)
