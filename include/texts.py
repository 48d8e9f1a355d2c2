"""What the page tells people, in both of its languages."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Texts:
    """The same in both languages."""

    es: str
    en: str


class InputError(ValueError):
    """What a person asked for cannot be; `texts` says why, and the message is its Spanish."""

    def __init__(self, es: str, en: str) -> None:
        super().__init__(es)
        self.texts = Texts(es, en)


def escaped(text: str, longest: int) -> str:
    """Return the first `longest` signs of a text, those that cannot be seen as escapes.

    A record may hold line breaks, terminal commands or half a surrogate pair, which no log takes.
    """
    shown = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text[:longest])
    return f"{shown}…" if len(text) > longest else shown
