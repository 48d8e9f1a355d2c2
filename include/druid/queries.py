"""SQL from .sql files. Only the datasource is inserted into the text; values are parameters."""

import re
from pathlib import Path
from typing import Final

#: Folder of this package's SQL; `include/page/` has a folder of its own.
SQL: Final = Path(__file__).with_name("sql")

IDENTIFIER = r"[A-Za-z][A-Za-z0-9_.-]{0,127}"
"""Regular expression of the names of datasources."""


def read_query(file: Path, datasource: str) -> str:
    """Return the text of a file for a datasource.

    Raises:
        ValueError: `datasource` is not a valid name.
    """
    return for_datasource(file.read_text(encoding="utf-8"), datasource)


def for_datasource(text: str, datasource: str) -> str:
    """Replace ``{datasource}`` in a text by a datasource's name.

    Raises:
        ValueError: `datasource` is not a valid name.
    """
    if not re.fullmatch(IDENTIFIER, datasource):
        raise ValueError(
            f"A datasource cannot have the name {datasource!r}: begin with a letter, then use "
            "letters, digits, '_', '.' and '-'"
        )
    return text.replace("{datasource}", datasource)
