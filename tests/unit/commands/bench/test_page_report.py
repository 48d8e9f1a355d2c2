"""The console tables of the page's measurements."""

import re
from io import StringIO

from rich.console import Console

from commands.bench.page_report import page_tables
from tests.unit.commands.bench.support import STAGE


def shown(stage: object) -> str:
    console = Console(width=160, record=True, file=StringIO())
    console.print(*page_tables({"sizes": [stage]}), sep="\n")
    return console.export_text()


def test_tables_show_size_looks_and_screen_of_a_stage() -> None:
    said = shown(STAGE)
    assert "5249570 eventos, 31 segmentos" in said
    assert "1h con filtro, primera vez" in said
    assert re.search("de Kafka a la pantalla *│ 5 *│ 1.0 *│ 1.4 *│ 2.1", said)


def test_table_mentions_a_missing_browser() -> None:
    assert "sin navegador" in shown(
        {**STAGE, "event_on_screen": {"browser": False, **STAGE["first_paint"]}}
    )
