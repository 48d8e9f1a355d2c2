"""What Airflow's plugin manager registers; `.airflowignore` keeps it out of the package beside."""

from airflow.plugins_manager import AirflowPlugin

from ventas_airflow.timetable import SimulationWindowTimetable


class VentasPlugin(AirflowPlugin):
    """The sales lab's part in Airflow's own processes."""

    name = "ventas"
    timetables = [SimulationWindowTimetable]  # noqa: RUF012 - Airflow's own attribute
