"""Check free SQL before Druid reads it: only statements of a small, known grammar pass.

Druid's planner computes constants and rewrites expressions, and Druid's time-out does not stop it.
So the check comes before any call of Druid, EXPLAIN included. It is a recursive-descent parser for
a part of Calcite's SQL, and it refuses every statement that it cannot parse, so a form of SQL that
nobody thought of is refused too. A general parser does not help: sqlglot, which was tried, accepts
the union of many dialects, reads ``U&'…'`` as an operator, and runs out of stack on deep nesting.

The check limits the functions (``sql/allowed_functions.txt``), the tables, the literals, and the
size of the statement after Calcite has expanded every WITH and every derived table.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from math import isqrt
from pathlib import Path
from typing import Final, NamedTuple

from include.page.sql_lexer import SqlRefusedError, Token, bound, lexed
from include.sales.event import FIELDS

_SQL: Final = Path(__file__).with_name("sql")
_FUNCTIONS: Final = _SQL / "allowed_functions.txt"
_RESERVED: Final = _SQL / "reserved_words.txt"

MOST_NESTED: Final = 12
"""Most levels of parentheses, CASEs and function calls inside each other."""

MOST_LEVELS: Final = 5
"""Most levels of queries inside each other, WITH included."""

MOST_READS: Final = 6
"""Most reads of a table plus SELECTs without one; each use of a WITH query counts again."""

MOST_COLUMNS: Final = 60
"""Most columns of one SELECT, GROUP BY or ORDER BY; a ``*`` counts all its columns."""

SUBQUERY_ROWS: Final = 10_000
"""Most rows that the broker may hold for a statement's subqueries; Druid's default is 100,000."""

JOINED_WORK: Final = 240_000_000
"""Limit of (subquery rows)² × words of the statement, if a FROM begins with a derived table and
joins it.

The broker then evaluates every word for up to rows² / 4 pairs of rows. Druid 33 stops this neither
at the time-out nor when the query is cancelled; it evaluates 40 million words of pairs per second.
A join that begins with a datasource runs where the segments are, and stops at the time-out.
"""

MOST_LISTED: Final = 250
"""Most values of one IN."""

MOST_WEIGHT: Final = 600
"""Most words of one expression after Calcite has expanded it.

Calcite replaces each column of a derived table by its expression, and repeats the operands that
NULLIF, COALESCE, BETWEEN, IN, IS DISTINCT FROM and CASE compare: 15 nested NULLIFs become 32,768
operands, and Druid 33 plans them for longer than anybody waits. Druid overflows its stack at 600
summands, which are 1,200 words; it plans 300 summands in a second.
"""

MOST_SIZE: Final = 3_000
"""Most words of all expanded expressions; each use of a WITH query counts again."""

MOST_PIECES: Final = 30
"""Most long texts, formats and pieces of concatenations in all columns, after the expansion.

Druid holds the 10,000 rows of an answer in its heap. Four simultaneous answers of 59 columns with
97 characters that the query itself made ended a broker of 320 MiB.
"""

MOST_SKETCHES: Final = 8
"""Most calls of COUNT(DISTINCT) and of the approximate functions, which use sketches.

A sketch takes kilobytes per group: four simultaneous queries with 58 sketches, grouped by id, ended
a historical of 384 MiB, and an indexer.
"""

LONG_TEXT: Final = 20
"""Characters above which a text in the query counts as a piece; texts of sales are shorter."""

MOST_DIGITS: Final = 18
"""Most digits of `ROUND` and `TRUNCATE`, before or after the decimal point."""

LARGEST_LIMIT: Final = 10_000
"""Most rows of LIMIT and OFFSET: the page shows no more, and Druid sorts them in its heap."""

MOST_WILDCARDS: Final = 8
"""Most ``%`` signs in the pattern of one LIKE."""

UNITS: Final = ("SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
EXTRACTED: Final = (*UNITS, "DOW", "DOY", "ISODOW", "ISOYEAR", "EPOCH")
TYPES: Final = (
    *("BIGINT", "INTEGER", "DOUBLE", "FLOAT", "DECIMAL"),
    *("VARCHAR", "BOOLEAN", "TIMESTAMP", "DATE"),
)

_CONSTANTS: Final = ("NULL", "TRUE", "FALSE", "UNKNOWN", "CURRENT_TIMESTAMP", "CURRENT_DATE")
_COMPARISONS: Final = ("=", "<>", "!=", "<", "<=", ">", ">=")
_PERIOD: Final = re.compile(r"'(?:P[1-9][0-9]{0,3}[DWMY]|PT[1-9][0-9]{0,3}[HMS])'")
_MOMENT: Final = re.compile(r"'[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9:.]{5,12}Z?)?'")
_FORMAT: Final = re.compile(r"'[^z]{0,30}'")
"""A format without "z": that letter prints a time zone's name, five times longer than a format."""
_AMOUNT: Final = re.compile(r"'[0-9]{1,6}'")


class _Weighed(NamedTuple):
    """Size of an expression: words, how many of them are columns, and pieces of long texts."""

    words: int
    columns: int
    pieces: int

    def over(self, below: "_Query") -> "_Weighed":
        """Return the size with each column replaced by the largest expression of query `below`."""
        return _Weighed(
            self.words + self.columns * below.weight,
            self.columns,
            self.pieces + self.columns * below.pieces,
        )


@dataclass(frozen=True)
class _Query:
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
class _Scope:
    """Tables and expressions of a SELECT or an ORDER BY that have been read so far."""

    sources: list[tuple[str, _Query]] = field(default_factory=list)
    """Tables by alias."""
    inner: list[_Query] = field(default_factory=list)
    """Queries within the expressions."""
    expressions: list[_Weighed] = field(default_factory=list)
    conditions: list[_Weighed] = field(default_factory=list)
    """Expressions of WHERE, HAVING and ON, whose texts do not get into a row."""


def _lines(file: Path) -> list[str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@cache
def functions() -> Mapping[str, tuple[str, ...]]:
    """Return the allowed functions of the file, each with the kinds of its arguments."""
    named = [line.split() for line in _lines(_FUNCTIONS)]
    return {name: tuple(kinds) for name, *kinds in named}


@cache
def _reserved() -> frozenset[str]:
    return frozenset(_lines(_RESERVED))


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
    return _Parser(sql, tables).statement()


class _Parser:
    def __init__(self, sql: str, tables: Collection[str]) -> None:
        self._sql = sql
        self._tables = tables
        self._tokens = [*lexed(sql)]
        self._at = 0
        self._nested = 0
        self._repeated = _Weighed(0, 0, 0)
        """Size of the repetitions that Calcite will add to the text read so far."""
        self._columns = 0
        self._pieces = 0
        self._sketches = 0
        self._with: dict[str, _Query] = {}
        self._is_joined_in_broker = False

    def statement(self) -> int:
        if self._word("EXPLAIN"):
            self._expect("PLAN")
            self._expect("FOR")
        queries: list[_Query] = []
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

    # Queries.

    def _query(self) -> _Query:
        queries = [self._select()]
        while self._word("UNION"):
            self._expect("ALL")
            queries.append(self._select())
        order = _Scope()
        if self._word("ORDER"):
            self._expect("BY")
            self._listed(self._ordered, order, MOST_COLUMNS)
        self._limits()
        inner = [*queries, *order.inner]
        largest = _largest(queries)
        query = _measured(
            order,
            largest,
            inner,
            columns=max(each.columns for each in queries),
            weight=largest.weight,
            pieces=largest.pieces,
            reads=sum(each.reads for each in inner),
            sources=max(each.sources for each in queries),
            levels=max(each.levels for each in inner),
        )
        bound(query.reads, MOST_READS, "reads")
        bound(query.levels, MOST_LEVELS, "levels")
        return query

    def _select(self) -> _Query:
        scope = _Scope()
        self._expect("SELECT")
        if not self._word("DISTINCT"):
            self._word("ALL")
        stars: list[str] = []
        items: list[_Weighed] = []
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
        below = _largest(inner)
        columns = len(items)
        for star in stars:
            named = [query for alias, query in scope.sources if alias == star]
            columns += sum(query.columns for query in named or inner)
        bound(columns, MOST_COLUMNS, "columns")
        inner += scope.inner
        written = [item.over(below) for item in items]
        return _measured(
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

    def _joined(self, scope: _Scope) -> None:
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

    def _source(self, scope: _Scope) -> None:
        if self._sign("("):
            with self._deeper():
                name, query = "", self._query()
                self._expect(")")
        else:
            name, query = self._table()
        scope.sources.append((self._alias() or name, query))

    def _table(self) -> tuple[str, _Query]:
        names = [self._name()]
        while self._sign("."):
            names.append(self._name())
        if len(names) == 1 and names[0] in self._with:
            return names[0], self._with[names[0]]
        # Datasources are in Druid's default schema, "druid".
        if names[-1] not in self._tables or names[:-1] not in ([], ["druid"]):
            shown, allowed = ".".join(names)[:60], ", ".join(self._tables)
            raise SqlRefusedError("page_refusal.sql.table", name=shown, allowed=allowed)
        return names[-1], _Query()

    def _alias(self) -> str:
        return self._name() if self._word("AS") or self._is_name() else ""

    def _ordered(self, scope: _Scope) -> None:
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

    def _listed(self, read: Callable[[_Scope], object], scope: _Scope, most: int) -> int:
        count = 1
        read(scope)
        while self._sign(","):
            read(scope)
            count += 1
        bound(count, most, "values")
        return count

    # Expressions, from the weakest operator to the strongest.

    def _expression(self, scope: _Scope) -> _Weighed:
        start = self._mark()
        self._or(scope)
        weighed = self._since(start)
        scope.expressions.append(weighed)
        return weighed

    def _condition(self, scope: _Scope) -> None:
        start = self._mark()
        self._or(scope)
        scope.conditions.append(self._since(start))

    def _or(self, scope: _Scope) -> None:
        while True:
            self._word("NOT")
            self._predicate(scope)
            if not (self._word("AND") or self._word("OR")):
                return

    def _predicate(self, scope: _Scope) -> None:
        start, first = self._mark(), self._at
        self._sum(scope)
        while True:
            if self._token.text in _COMPARISONS:
                self._at += 1
                self._sum(scope)
            elif self._word("IS"):
                self._word("NOT")
                if self._word("DISTINCT"):
                    self._expect("FROM")
                    self._sum(scope)
                    self._repeat(self._since(start), 2)
                elif not any(self._word(each) for each in ("NULL", "TRUE", "FALSE", "UNKNOWN")):
                    raise self._unknown()
            elif self._token.text.upper() in ("NOT", "IN", "BETWEEN", "LIKE"):
                is_column = [t.text for t in self._tokens[first + 1 : self._at : 2]] in ([], ["."])
                self._word("NOT")
                self._membership(scope, start, is_column)
            else:
                return

    def _membership(self, scope: _Scope, start: _Weighed, is_column: bool) -> None:
        operand = self._since(start)
        if self._word("IN"):
            self._expect("(")
            with self._deeper():
                if self._token.text.upper() == "SELECT":
                    scope.inner.append(self._query())
                else:
                    values = self._listed(self._or, scope, MOST_LISTED)
                    # For a column alone, Calcite makes a set of the values: no repetition.
                    if not is_column:
                        self._repeat(operand, values - 1)
                self._expect(")")
        elif self._word("BETWEEN"):
            self._repeat(operand, 1)
            self._sum(scope)
            self._expect("AND")
            self._sum(scope)
        else:
            self._expect("LIKE")
            pattern = self._take("text").text
            bound(pattern.count("%"), MOST_WILDCARDS, "wildcards")
            if self._word("ESCAPE"):
                self._take("text")

    def _sum(self, scope: _Scope) -> None:
        while True:
            if not self._sign("-"):
                self._sign("+")
            self._primary(scope)
            if self._sign("||"):
                self._pieces += 1
            elif not any(self._sign(each) for each in ("+", "-", "*", "/")):
                return

    def _primary(self, scope: _Scope) -> None:
        token = self._token
        is_call = self._ahead.text == "("
        if token.kind in ("number", "text") or (
            token.kind == "word" and token.text.upper() in _CONSTANTS and not is_call
        ):
            self._at += 1
            self._pieces += token.kind == "text" and len(token.text) > LONG_TEXT
        elif self._sign("("):
            with self._deeper():
                if self._token.text.upper() == "SELECT":
                    scope.inner.append(self._query())
                else:
                    self._or(scope)
                self._expect(")")
        elif self._word("CASE"):
            self._case(scope)
        elif self._word("DATE") or self._word("TIMESTAMP"):
            self._matching(_MOMENT, "moment")
        elif self._word("INTERVAL"):
            self._matching(_AMOUNT, "amount")
            self._one_of(UNITS)
        elif token.kind == "word" and is_call:
            with self._deeper():
                self._call(scope)
        else:
            self._name()
            if self._sign("."):
                self._name()
            self._columns += 1

    def _case(self, scope: _Scope) -> None:
        with self._deeper():
            start = self._mark()
            if self._token.text.upper() != "WHEN":
                self._or(scope)
            compared = self._since(start)
            self._expect("WHEN")
            while True:
                condition = self._mark()
                self._or(scope)
                self._repeat(self._since(condition), 1)
                self._expect("THEN")
                self._or(scope)
                if not self._word("WHEN"):
                    break
                self._repeat(compared, 1)
            if self._word("ELSE"):
                self._or(scope)
            self._expect("END")

    def _call(self, scope: _Scope) -> None:
        token = self._token
        name = token.text.upper()
        if name == "CAST":
            self._at += 2
            self._or(scope)
            self._expect("AS")
            self._one_of(TYPES)
            self._expect(")")
        elif name == "EXTRACT":
            self._at += 2
            self._one_of(EXTRACTED)
            self._expect("FROM")
            self._or(scope)
            self._expect(")")
        elif name in functions():
            self._at += 2
            self._arguments(name, scope)
            if self._word("FILTER"):
                self._expect("(")
                self._expect("WHERE")
                self._or(scope)
                self._expect(")")
        elif name in _reserved():
            raise self._unknown()
        else:
            shown, allowed = token.text[:60], ", ".join(functions())
            raise SqlRefusedError("page_refusal.sql.function", name=shown, allowed=allowed)

    def _arguments(self, name: str, scope: _Scope) -> None:
        if name == "COUNT" and self._sign("*"):
            self._expect(")")
            return
        if name == "COUNT":
            self._sketches += self._word("DISTINCT")
        kinds = functions()[name]
        given = 0
        while not self._sign(")"):
            if given:
                self._expect(",")
            if given >= len(kinds) and not kinds[-1].endswith("..."):
                raise _wrong_count(name)
            self._argument(kinds[min(given, len(kinds) - 1)].rstrip("?."), scope)
            given += 1
            if name in ("FLOOR", "CEIL") and self._word("TO"):
                self._one_of(UNITS)
        if given < sum(not kind.endswith("?") for kind in kinds):
            raise _wrong_count(name)

    def _argument(self, kind: str, scope: _Scope) -> None:
        match kind:
            case "text":
                self._matching(re.compile(".*", re.DOTALL), "text")
            case "period":
                self._matching(_PERIOD, "period")
            case "digits":
                self._sign("-")
                token = self._take("number")
                if not token.text.isdecimal() or int(token.text) > MOST_DIGITS:
                    raise SqlRefusedError(
                        "page_refusal.sql.digits", most=MOST_DIGITS, number=token.text
                    )
            case "unit":
                self._one_of(UNITS)
            case "sketch":
                self._sketches += 1
                self._or(scope)
            case "concat":
                self._pieces += 1
                self._or(scope)
            case "twice":
                start = self._mark()
                self._or(scope)
                self._repeat(self._since(start), 1)
            case "format":
                self._pieces += 1
                self._matching(_FORMAT, "format")
            case _:
                self._or(scope)

    # Weight.

    def _mark(self) -> _Weighed:
        """Return the size of all that was read so far, repetitions included."""
        words, columns, pieces = self._repeated
        return _Weighed(self._at + words, self._columns + columns, self._pieces + pieces)

    def _since(self, start: _Weighed) -> _Weighed:
        """Return the size of the text read after `start`."""
        words, columns, pieces = self._mark()
        return _Weighed(words - start.words, columns - start.columns, pieces - start.pieces)

    def _repeat(self, read: _Weighed, times: int) -> None:
        """Count an expression `times` more times."""
        words, columns, pieces = self._repeated
        self._repeated = _Weighed(
            words + times * read.words,
            columns + times * read.columns,
            pieces + times * read.pieces,
        )

    # Tokens.

    @property
    def _token(self) -> Token:
        return self._tokens[self._at]

    @property
    def _ahead(self) -> Token:
        return self._tokens[min(self._at + 1, len(self._tokens) - 1)]

    def _word(self, word: str) -> bool:
        """Take the next token if it is this word."""
        found = self._token.kind == "word" and self._token.text.upper() == word
        self._at += found
        return found

    def _sign(self, sign: str) -> bool:
        """Take the next token if it is this sign."""
        found = self._token.kind == "sign" and self._token.text == sign
        self._at += found
        return found

    def _expect(self, text: str) -> None:
        if not (self._word(text) or self._sign(text)):
            raise self._unknown()

    def _take(self, kind: str) -> Token:
        token = self._token
        if token.kind != kind:
            raise self._unknown()
        self._at += 1
        return token

    def _one_of(self, words: Collection[str]) -> None:
        if not any(self._word(word) for word in words):
            allowed = ", ".join(words)
            raise SqlRefusedError("page_refusal.sql.one_of", near=self._near(), allowed=allowed)

    def _matching(self, pattern: re.Pattern[str], wanted: str) -> None:
        """Take the next token if it is a text like this; else "page_refusal.sql.expected" says."""
        if self._token.kind != "text" or not pattern.fullmatch(self._token.text):
            raise SqlRefusedError(f"page_refusal.sql.expected.{wanted}", near=self._near())
        self._at += 1

    def _is_name(self) -> bool:
        kind, text, _ = self._token
        return kind == "quoted" or (kind == "word" and text.upper() not in _reserved())

    def _name(self) -> str:
        if not self._is_name():
            raise self._unknown()
        kind, text, _ = self._token
        self._at += 1
        return text[1:-1].replace('""', '"') if kind == "quoted" else text

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        self._nested += 1
        bound(self._nested, MOST_NESTED, "parentheses")
        yield
        self._nested -= 1

    def _near(self) -> str:
        start = self._token.start
        return " ".join(self._sql[start : start + 40].split()) or "…"

    def _unknown(self) -> SqlRefusedError:
        return SqlRefusedError("page_refusal.sql.unknown", near=self._near())


def _largest(queries: Sequence[_Query]) -> _Query:
    """Return the largest column sizes of `queries`; those of a table if there are none."""
    return _Query(
        weight=max((each.weight for each in queries), default=1),
        pieces=max((each.pieces for each in queries), default=0),
    )


def _measured(scope: _Scope, below: _Query, inner: Sequence[_Query], **known: int) -> _Query:
    """Return the size of a query: the `known` measures, and those of its expanded expressions.

    Columns of its expressions are replaced by those of the query `below`; `inner` are the queries
    that it contains.

    Raises:
        SqlRefusedError: an expression is too large.
    """
    shown = [each.over(below) for each in scope.expressions]
    written = [*shown, *(each.over(below) for each in scope.conditions)]
    bound(max((each.words for each in written), default=0), MOST_WEIGHT, "words_of_expression")
    return _Query(
        size=sum(each.words for each in written) + sum(each.size for each in inner),
        texts=sum(each.pieces for each in shown) + sum(each.texts for each in inner),
        **known,
    )


def _wrong_count(name: str) -> SqlRefusedError:
    kinds = functions()[name]
    count = f"{len(kinds)}+" if kinds[-1].endswith("...") else str(len(kinds))
    return SqlRefusedError("page_refusal.sql.arguments", name=name, count=count)
