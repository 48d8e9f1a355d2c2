"""What Airflow's plugin manager registers; `.airflowignore` keeps it out of the package beside."""

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from include.texts import text
from ventas_airflow.deadlines import PlannedEnd
from ventas_airflow.page.guard import root_middlewares
from ventas_airflow.page.mount import Page
from ventas_airflow.page.views import PREFIX, VIEWS
from ventas_airflow.timetable import SimulationWindowTimetable

_page = Page()


class VentasPlugin(AirflowPlugin):
    """The sales lab's part in Airflow's own processes."""

    name = "ventas"
    timetables = [SimulationWindowTimetable]  # noqa: RUF012 - Airflow's own attribute
    deadline_references = [PlannedEnd]  # noqa: RUF012
    fastapi_apps: list[Any] = [  # noqa: RUF012
        {"app": _page, "url_prefix": PREFIX, "name": "Ventas"}
    ]
    fastapi_root_middlewares: list[Any] = [  # noqa: RUF012
        *root_middlewares(),
        {"name": "page", "middleware": _page.prepare},
    ]
    external_views: list[Any] = [  # noqa: RUF012
        {
            "name": text(f"page.shell.views.{path}"),
            "href": f"{PREFIX}/{path}",
            "destination": "nav",
            "url_route": f"ventas-{path}",
            "icon": f"{PREFIX}/static/icons/{path}.svg",
            "nav_top_level": True,
        }
        for path in VIEWS
    ]
