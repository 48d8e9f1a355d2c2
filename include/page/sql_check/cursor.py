"""The tokens of a statement, read one after the other, and the size of what was read."""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from include.page.sql_check.lexer import SqlRefusedError, Token, bound, lexed
from include.page.sql_check.limits import MOST_NESTED
from include.page.sql_check.sizes import Weighed
from include.page.sql_check.words import reserved


class Cursor:
    """Place in a statement; base class of its parser."""

    def __init__(self, sql: str) -> None:
        """Begin at the first token of a statement."""
        self._sql = sql
        self._tokens = [*lexed(sql)]
        self._at = 0
        self._nested = 0
        self._repeated = Weighed(0, 0, 0)
        """Size of the repetitions that Calcite will add to the text read so far."""
        self._columns = 0
        self._pieces = 0

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
        return kind == "quoted" or (kind == "word" and text.upper() not in reserved())

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

    def _mark(self) -> Weighed:
        """Return the size of all that was read so far, repetitions included."""
        words, columns, pieces = self._repeated
        return Weighed(self._at + words, self._columns + columns, self._pieces + pieces)

    def _since(self, start: Weighed) -> Weighed:
        """Return the size of the text read after `start`."""
        words, columns, pieces = self._mark()
        return Weighed(words - start.words, columns - start.columns, pieces - start.pieces)

    def _repeat(self, read: Weighed, times: int) -> None:
        """Count an expression `times` more times."""
        words, columns, pieces = self._repeated
        self._repeated = Weighed(
            words + times * read.words,
            columns + times * read.columns,
            pieces + times * read.pieces,
        )
