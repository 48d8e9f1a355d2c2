"""Tables of the page's measurements, for the console."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.table import Table

_KINDS: Final = {"first": "primera vez", "again": "otra vez"}
_SPREADS: Final = {
    "first_paint": "primera pintura con datos",
    "first_paint_again": "otra, enseguida",
    "first_paint_in_airflow": "dentro de Airflow",
    "event_on_screen": "de Kafka a la pantalla",
}


def page_tables(found: Mapping[str, Any]) -> Iterator[Table]:
    """Yield two tables for each size: times of the API, and times of the screen."""
    for stage in found["sizes"]:
        title = f"{stage['events']} eventos, {stage['segments']} segmentos"
        yield _looks(stage, title)
        yield _screen(stage, title)


def _looks(stage: Mapping[str, Any], title: str) -> Table:
    table = Table(
        *("miradas", "cuántas", "fallidas", "p50 ms", "p95 ms", "máx ms", "edad p95 s"),
        title=title,
        title_justify="left",
    )

    def add(name: str, of: Mapping[str, Any]) -> None:
        keys = ("looks", "failed", "p50_ms", "p95_ms", "max_ms", "age_p95_s")
        table.add_row(name, *(str(of[key]) for key in keys))

    add("un espectador", stage["api"])
    add("un espectador, «Qué hacer»", stage["api_findings"])
    add("muchos a la vez", stage["viewers"])
    add("muchos a la vez, «Qué hacer»", stage["viewers_findings"])
    for row in stage["ranges"]:
        filtered = "con filtro" if row["filtered"] else "sin filtro"
        add(f"{row['rango']} {filtered}, {_KINDS[row['kind']]}", row)
    return table


def _screen(stage: Mapping[str, Any], title: str) -> Table:
    table = Table("pantalla", "veces", "p50 s", "p95 s", "máx s", title=title, title_justify="left")
    for key, name in _SPREADS.items():
        if key in stage:
            of = stage[key]
            blind = of.get("browser") is False
            shown = f"{name} (sin navegador: hasta la API)" if blind else name
            table.add_row(shown, *(str(of[part]) for part in ("times", "p50_s", "p95_s", "max_s")))
    return table
