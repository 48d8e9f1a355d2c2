"""Texts that people read, by key and language: one file a language, in the folder `texts/`."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

FOLDER: Final = Path(__file__).resolve().parents[1] / "texts"

#: The language of a text if nothing else is asked for. A key must exist in this language.
DEFAULT: Final = "es"

#: A field such as `{sales}`, or two forms of a word: `{sales|sale|sales}` is "sale" for 1.
_FIELD = re.compile(r"\{(\w+)(?:\|[^{}]*)?\}")

_language: Final[ContextVar[str | None]] = ContextVar("language", default=None)
"""Language of the texts within `in_terminal_language`."""


@dataclass(frozen=True)
class TextKey:
    """Key of a text that is filled into an `InputError`."""

    key: str

    def text(self, language: str) -> str:
        return text(self.key, language)


class InputError(ValueError):
    """A person's input is invalid: a text says why. The message is that text in Spanish.

    Args:
        key: key of the text.
        values: values of its fields. A `TextKey` or another `InputError` is filled in by language.
    """

    def __init__(self, key: str, **values: object) -> None:
        self._key = key
        self._values = values
        super().__init__(self.text(DEFAULT))

    def text(self, language: str) -> str:
        values = {
            name: value.text(language) if isinstance(value, (TextKey, InputError)) else value
            for name, value in self._values.items()
        }
        return text(self._key, language, **values)


def languages() -> tuple[str, ...]:
    """Return the codes of all languages, such as "es": one for each file, Spanish first."""
    codes = {path.stem for path in FOLDER.glob("*.json")}
    return tuple(sorted(codes, key=lambda code: (code != DEFAULT, code)))


def matching_language(*tags: str) -> str | None:
    """Return the first language with a file among tags such as "pt-BR" or "es_AR.UTF-8"."""
    known = languages()
    for tag in tags:
        wanted = re.split("[.@;]", tag.strip())[0].replace("_", "-")
        for code in (wanted, wanted.partition("-")[0].lower()):
            if code in known:
                return code
    return None


def requested_language(accept: str) -> str:
    """Return the language that an Accept-Language header asks for, else `chosen_language`."""
    return matching_language(*accept.split(",")) or chosen_language()


def chosen_language(environment: Mapping[str, str] = os.environ) -> str:
    """Return the language that the environment variable VENTAS_LANGUAGE names, else Spanish.

    Raises:
        ValueError: the folder has no file of that language.
    """
    language = environment.get("VENTAS_LANGUAGE") or DEFAULT
    if language not in languages():
        raise ValueError(f"VENTAS_LANGUAGE={language} is not one of {', '.join(languages())}.")
    return language


def terminal_language() -> str:
    """Return the command line's language: VENTAS_LANGUAGE, else the locale's, else English.

    Raises:
        ValueError: as `chosen_language`.
    """
    if os.environ.get("VENTAS_LANGUAGE"):
        return chosen_language()
    # The first of these that is set decides, as in the C library.
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((value for name in names if (value := os.environ.get(name))), "")
    return matching_language(locale) or "en"


@contextmanager
def in_terminal_language() -> Iterator[None]:
    """Let `text` choose the command line's language instead of `chosen_language`."""
    before = _language.set(terminal_language())
    try:
        yield
    finally:
        _language.reset(before)


def terminal_text(key: str, **values: object) -> str:
    """Return a text, with its values as texts too, in the command line's language."""
    with in_terminal_language():
        return text(key, None, **values)


def text(key: str, language: str | None = None, **values: object) -> str:
    """Return a text such as "form.mode.title" with its ``{fields}`` filled in.

    `language` is a file's name without ".json"; by default `chosen_language`. A text that the
    language does not have yet is returned in Spanish.

    Raises:
        KeyError: no such text, or no value for one of its fields.
    """
    found = _find(key, language or _language.get() or chosen_language())
    if found is None:
        raise KeyError(f"texts/{DEFAULT}.json has no text {key!r}")
    return _FIELD.sub(lambda field: _filled(field[0], str(values[field[1]])), found)


def _filled(field: str, value: str) -> str:
    _, *forms = field[1:-1].split("|")
    return forms[value != "1"] if forms else value


def has(key: str) -> bool:
    return _find(key, DEFAULT) is not None


def _find(key: str, language: str) -> str | None:
    found: Any = table(language)
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) else None


@cache
def table(language: str) -> dict[str, Any]:
    """Return all texts of a language, nested by the parts of their keys, in Spanish if missing."""
    found: dict[str, Any] = msgspec.json.decode((FOLDER / f"{language}.json").read_bytes())
    return found if language == DEFAULT else _merged(table(DEFAULT), found)


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        name: _merged(below[name], value) if isinstance(value, Mapping) else value
        for name, value in above.items()
    }
    return {**below, **both}


def escaped(text: str, longest: int) -> str:
    """Return the first `longest` characters of a text, with unprintable ones as escapes.

    A record may hold line breaks, terminal commands or half a surrogate pair, which must not get
    into a log. A longer text ends in "…".
    """
    shown = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text[:longest])
    return f"{shown}…" if len(text) > longest else shown
