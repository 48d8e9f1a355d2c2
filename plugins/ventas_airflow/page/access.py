"""Who may see and do what: Airflow's own login and permissions.

A plugin's routes are open to all unless each asks. Whoever may see the window's DAG may see its
sales; whoever may trigger it may also do what costs or changes something.
"""

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import requires_access_dag
from fastapi import Depends

WINDOW_DAG = "sales_window"

can_read = requires_access_dag("GET", param_dag_id=WINDOW_DAG)
can_run = requires_access_dag("POST", DagAccessEntity.RUN, param_dag_id=WINDOW_DAG)

CanRead = Depends(can_read)
CanRun = Depends(can_run)
