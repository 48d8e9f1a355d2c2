"""The page's paths in Airflow."""

from typing import Final

PREFIX: Final = "/ventas"
VIEWS: Final = ("vivo", "explorar", "salud", "consultas", "reportes")
"""Path of each view."""

REPORTS: Final = f"{PREFIX}/reports"
"""Path below which each day's report has its name as its path."""
