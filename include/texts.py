"""Texts that the page shows, in both of its languages."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Texts:
    """The same text in Spanish and in English."""

    es: str
    en: str


class InputError(ValueError):
    """A person's input is invalid; `texts` says why, and the message is the Spanish text."""

    def __init__(self, es: str, en: str) -> None:
        super().__init__(es)
        self.texts = Texts(es, en)


def escaped(text: str, longest: int) -> str:
    """Return the first `longest` characters of a text, with unprintable ones as escapes.

    A record may hold line breaks, terminal commands or half a surrogate pair, which must not get
    into a log. A longer text ends in "…".
    """
    shown = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text[:longest])
    return f"{shown}…" if len(text) > longest else shown
