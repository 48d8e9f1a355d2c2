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


def rows(table: str) -> dict[str, list[str]]:
    """Return the cells after the third of each row, by the third."""
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in table.splitlines()]
    return {row[2]: row[3:] for row in cells if row[:1] == ["5.2"]}


def test_first_tables_have_a_row_for_each_number_of_viewers() -> None:
    said, _ = shown(STAGE).split("5249570 eventos", 1)
    times, used = map(rows, said.split("CPU: ms de procesador por revisión"))
    start = "primeros minutos (la primera: 390.0 ms)"
    assert list(times) == ["un espectador", "10", "50", start]
    assert times["50"] == ["8.5", "0", "60.0", "300.0", "170.0"]
    assert times[start] == ["", "0", "60.0", "380.0", "170.0"]
    assert list(used) == ["un espectador", "10", "50"]
    assert used["50"][0] == "70.0"


def test_console_of_80_columns_cuts_no_number() -> None:
    console = Console(width=80, record=True, file=StringIO())
    console.print(*[*page_tables({"sizes": [STAGE]})][:2], sep="\n")
    assert not re.search(r"\d…", console.export_text())


def test_table_mentions_a_missing_browser() -> None:
    assert "sin navegador" in shown(
        {**STAGE, "event_on_screen": {"browser": False, **STAGE["first_paint"]}}
    )
