"""Access to the page, by Airflow's own login and permissions.

A plugin's routes are open to everyone unless each route checks. A user who may see the window's
DAG may see its sales; a user who may trigger the DAG may also use the routes that cost or change
something.
"""

from typing import Annotated

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from fastapi import Depends, HTTPException, Request, status

from include.names import WINDOW_DAG
from ventas_airflow.page.services import Viewer

can_read = requires_access_dag("GET", param_dag_id=WINDOW_DAG)
can_run = requires_access_dag("POST", DagAccessEntity.RUN, param_dag_id=WINDOW_DAG)


def may_run(request: Request, user: GetUserDep) -> bool:
    """Return whether a user who is logged in may use the routes that require `CanRun`."""
    try:
        can_run(request, user)
    except HTTPException as refused:
        if refused.status_code != status.HTTP_403_FORBIDDEN:
            raise
        return False
    return True


async def viewer(request: Request, user: GetUserDep) -> Viewer:
    """Return the viewer who sent a request: the page shares its threads fairly among viewers."""

    async def left() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    return Viewer(user.get_name(), left)


CanRead = Depends(can_read)
CanRun = Depends(can_run)
MayRun = Annotated[bool, Depends(may_run)]
Asking = Annotated[Viewer, Depends(viewer)]
