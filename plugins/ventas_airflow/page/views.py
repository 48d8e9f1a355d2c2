"""The page's path in Airflow, and the names of its views in Airflow's navigation."""

from typing import Final

PREFIX: Final = "/ventas"
VIEWS: Final = {"vivo": "Ventas en vivo", "salud": "Salud del flujo", "consultas": "Consultas"}
"""Path of each view, and its name in Airflow's navigation."""
