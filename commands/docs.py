"""Write the files made from code and data: pages, lists in SQL and in `deploy/`, golden values.

Run it after a change of the event, the market's data, the query library, Kafka's permissions, the
machine sizes, the lock of packages, the report or its texts; a test fails while a file differs.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from rich.console import Console

from include.stack.settings import ROOT, Settings

FOLDER: Final = ROOT / "docs"


def run(_: argparse.Namespace, __: Settings, console: Console) -> int:
    from commands import event_sql, golden, image_locks

    # The SQL comes first, because a page shows it.
    for files in (event_sql.files, pages, golden.files, image_locks.files):
        for path, text in files().items():
            if path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")
                console.print(str(path), soft_wrap=True, highlight=False)
    return 0


def pages() -> Mapping[Path, str]:
    from include.gcp.sizing_docs import with_tables
    from include.page import library, library_docs
    from include.sales.market import load_market
    from include.stream import acls, dictionary

    sizing = FOLDER / "sizing.md"
    return {
        FOLDER / "acls.md": acls.docs(),
        FOLDER / "data-dictionary.md": dictionary.render(load_market()),
        FOLDER / "queries.md": library_docs.render(library.load_library()),
        sizing: with_tables(sizing.read_text(encoding="utf-8")),
    }
