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
