"""Parser of the expressions of free SQL, from the weakest operator to the strongest."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable

from include.page.sql_check.cursor import Cursor
from include.page.sql_check.lexer import SqlRefusedError, bound
from include.page.sql_check.limits import LONG_TEXT, MOST_DIGITS, MOST_LISTED, MOST_WILDCARDS
from include.page.sql_check.sizes import QuerySize, Scope, Weighed
from include.page.sql_check.words import (
    AMOUNT,
    COMPARISONS,
    CONSTANTS,
    EXTRACTED,
    FORMAT,
    MOMENT,
    PERIOD,
    TYPES,
    UNITS,
    functions,
    reserved,
)


class Expressions(Cursor, ABC):
    """Reads expressions, and counts their words, columns, long texts and sketches."""

    def __init__(self, sql: str) -> None:
        """Begin at the first token of a statement."""
        super().__init__(sql)
        self._sketches = 0

    @abstractmethod
    def _query(self) -> QuerySize:
        """Read a query within an expression."""

    def _expression(self, scope: Scope) -> Weighed:
        start = self._mark()
        self._or(scope)
        weighed = self._since(start)
        scope.expressions.append(weighed)
        return weighed

    def _condition(self, scope: Scope) -> None:
        start = self._mark()
        self._or(scope)
        scope.conditions.append(self._since(start))

    def _or(self, scope: Scope) -> None:
        while True:
            self._word("NOT")
            self._predicate(scope)
            if not (self._word("AND") or self._word("OR")):
                return

    def _predicate(self, scope: Scope) -> None:
        start, first = self._mark(), self._at
        self._sum(scope)
        while True:
            if self._token.text in COMPARISONS:
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

    def _membership(self, scope: Scope, start: Weighed, is_column: bool) -> None:
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

    def _sum(self, scope: Scope) -> None:
        while True:
            if not self._sign("-"):
                self._sign("+")
            self._primary(scope)
            if self._sign("||"):
                self._pieces += 1
            elif not any(self._sign(each) for each in ("+", "-", "*", "/")):
                return

    def _primary(self, scope: Scope) -> None:
        token = self._token
        is_call = self._ahead.text == "("
        if token.kind in ("number", "text") or (
            token.kind == "word" and token.text.upper() in CONSTANTS and not is_call
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
            self._matching(MOMENT, "moment")
        elif self._word("INTERVAL"):
            self._matching(AMOUNT, "amount")
            self._one_of(UNITS)
        elif token.kind == "word" and is_call:
            with self._deeper():
                self._call(scope)
        else:
            self._name()
            if self._sign("."):
                self._name()
            self._columns += 1

    def _case(self, scope: Scope) -> None:
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

    def _call(self, scope: Scope) -> None:
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
        elif name in reserved():
            raise self._unknown()
        else:
            shown, allowed = token.text[:60], ", ".join(functions())
            raise SqlRefusedError("page_refusal.sql.function", name=shown, allowed=allowed)

    def _arguments(self, name: str, scope: Scope) -> None:
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

    def _argument(self, kind: str, scope: Scope) -> None:
        match kind:
            case "text":
                self._matching(re.compile(".*", re.DOTALL), "text")
            case "period":
                self._matching(PERIOD, "period")
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
                self._matching(FORMAT, "format")
            case _:
                self._or(scope)

    def _listed(self, read: Callable[[Scope], object], scope: Scope, most: int) -> int:
        count = 1
        read(scope)
        while self._sign(","):
            read(scope)
            count += 1
        bound(count, most, "values")
        return count


def _wrong_count(name: str) -> SqlRefusedError:
    kinds = functions()[name]
    count = f"{len(kinds)}+" if kinds[-1].endswith("...") else str(len(kinds))
    return SqlRefusedError("page_refusal.sql.arguments", name=name, count=count)
