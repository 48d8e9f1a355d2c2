"""The page's paths in Airflow."""

from typing import Final

PREFIX: Final = "/ventas"
VIEWS: Final = ("vivo", "salud", "consultas")
"""Path of each view."""
