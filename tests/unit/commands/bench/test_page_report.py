"""The console tables of the page's measurements."""

import re
from io import StringIO

from rich.console import Console

from commands.bench.page_report import page_tables
from tests.unit.commands.bench.support import STAGE


def shown(stage: object) -> str:
    console = Console(width=240, record=True, file=StringIO())
    console.print(*page_tables({"sizes": [stage]}), sep="\n")
    return console.export_text()


def test_tables_show_size_looks_and_screen_of_a_stage() -> None:
    said = shown(STAGE)
    assert "5249570 eventos, 31 segmentos, 0.67 ventas por segundo" in said
    assert "1h con filtro, primera vez" in said
    assert re.search("de Kafka a la pantalla *│ 5 *│ 1.0 *│ 1.4 *│ 2.1", said)


def test_first_table_has_a_row_for_each_number_of_viewers() -> None:
    said = shown(STAGE)
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in said.splitlines()]
    rows = {row[2]: row for row in cells if row[:1] == ["5.2"]}
    assert list(rows) == ["un espectador", "10", "50", "primeros minutos (la primera: 390.0 ms)"]
    assert rows["50"][3:9] == ["8.5", "0", "60.0", "300.0", "170.0", "70.0"]
    assert rows["primeros minutos (la primera: 390.0 ms)"][3:9] == [
        "",
        "0",
        "60.0",
        "380.0",
        *["170.0", ""],
    ]


def test_table_mentions_a_missing_browser() -> None:
    assert "sin navegador" in shown(
        {**STAGE, "event_on_screen": {"browser": False, **STAGE["first_paint"]}}
    )
