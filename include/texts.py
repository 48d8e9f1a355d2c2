"""Texts that people read, by key and language: one file a language, in the folder `texts/`."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

FOLDER: Final = Path(__file__).resolve().parents[1] / "texts"

#: The language of a text if nothing else is asked for. A key must exist in this language.
DEFAULT: Final = "es"

_FIELD = re.compile(r"\{(\w+)\}")


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


def languages() -> tuple[str, ...]:
    """Return the codes of all languages, such as "es": one for each file of the folder."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


def chosen_language() -> str:
    """Return the language that the environment variable VENTAS_LANGUAGE names, else Spanish.

    Raises:
        ValueError: the folder has no file of that language.
    """
    language = os.environ.get("VENTAS_LANGUAGE") or DEFAULT
    if language not in languages():
        raise ValueError(f"VENTAS_LANGUAGE={language} is not one of {', '.join(languages())}.")
    return language


def text(key: str, language: str | None = None, **values: object) -> str:
    """Return a text such as "form.mode.title" with its ``{fields}`` filled in.

    `language` is a file's name without ".json"; by default `chosen_language`. A text that the
    language does not have yet is returned in Spanish.

    Raises:
        KeyError: no such text, or no value for one of its fields.
    """
    language = language or chosen_language()
    found = _find(table(language), key)
    if found is None:
        found = _find(table(DEFAULT), key)
    if not isinstance(found, str):
        raise KeyError(f"texts/{DEFAULT}.json has no text {key!r}")
    return _FIELD.sub(lambda field: str(values[field[1]]), found)


@cache
def table(language: str) -> dict[str, Any]:
    """Return all texts of a language, nested by the parts of their keys."""
    found: dict[str, Any] = msgspec.json.decode((FOLDER / f"{language}.json").read_bytes())
    return found


def _find(table: Mapping[str, Any], key: str) -> object:
    found: Any = table
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def escaped(text: str, longest: int) -> str:
    """Return the first `longest` characters of a text, with unprintable ones as escapes.

    A record may hold line breaks, terminal commands or half a surrogate pair, which must not get
    into a log. A longer text ends in "…".
    """
    shown = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text[:longest])
    return f"{shown}…" if len(text) > longest else shown
