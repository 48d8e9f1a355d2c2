"""Operators that keep the Druid VM on during a window, and off afterwards.

Google's libraries take seconds to import, so they are imported when a task runs.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowException, AirflowSkipException

from ventas_airflow.operators.waiting import WaitingOperator
from ventas_airflow.sharing import users
from ventas_airflow.triggers.druid_health import DruidHealthTrigger, VmStatusTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

    from ventas_airflow.hooks.compute import VentasComputeEngineHook

Result = dict[str, Any]

STARTING = ("PROVISIONING", "STAGING")


class DruidVmOperator(WaitingOperator):
    """What starting and stopping share: the VM.

    :param project_id: Google Cloud project of the VM
    :param zone: zone of the VM
    :param resource_id: name of the VM
    :param gcp_conn_id: Google Cloud connection; its extra may have ``api_endpoint``
    """

    template_fields: Sequence[str] = ("project_id", "zone", "resource_id", "gcp_conn_id")

    def __init__(
        self,
        *,
        project_id: str,
        zone: str,
        resource_id: str,
        gcp_conn_id: str = "google_cloud_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.project_id = project_id
        self.zone = zone
        self.resource_id = resource_id
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Context) -> Result:
        """Do what the VM's status asks for, then wait."""
        return self._advance(context, started=time.time())

    def decide_again(self, context: Context, event: dict[str, Any]) -> Result:
        """Go on after the VM has left a status in which nothing can be asked of it."""
        self._check(event)
        return self._advance(context, event["carry"]["started"])

    def execute_complete(
        self,
        context: Context,  # noqa: ARG002 - Airflow hands it over
        event: dict[str, Any],
    ) -> Result:
        """End the task by the trigger's event."""
        self._check(event)
        accion, started = event["carry"]["accion"], event["carry"]["started"]
        seconds = round(time.time() - started, 1)
        self.log.info("VM %s: %s after %s s", self.resource_id, accion, seconds)
        return self._result(accion, seconds)

    def _advance(self, context: Context, started: float) -> Result:
        raise NotImplementedError

    def _check(self, event: dict[str, Any]) -> None:
        """Raise AirflowException unless the wait ended well."""
        if event["status"] == "timeout":
            raise AirflowException(
                f"Given up after {self.timeout:g} s: {event['message']}. Look at the VM's serial "
                f"console in Compute Engine (project {self.project_id}, zone {self.zone}), or on "
                "one machine at `./ventas status` and `./ventas logs`."
            )
        if event["status"] != "success":
            raise AirflowException(event["message"])

    def _result(self, accion: str, seconds: float = 0.0) -> Result:
        return {"vm": self.resource_id, "accion": accion, "segundos": seconds}

    def _until_status(
        self,
        started: float,
        statuses: list[str | None],
        *,
        operation: str | None = None,
        hopeless: Sequence[str] = (),
        accion: str = "",
    ) -> VmStatusTrigger:
        return VmStatusTrigger(
            statuses=statuses,
            hopeless=list(hopeless),
            **self._watched(started, operation, accion),
        )

    def _watched(self, started: float, operation: str | None, accion: str) -> dict[str, Any]:
        return {
            "vm": self._vm(),
            "gcp_conn_id": self.gcp_conn_id,
            "operation": operation,
            "deadline": started + self.timeout,
            "poll_interval": self.poll_interval,
            "carry": {"started": started, "accion": accion},
        }

    def _vm(self) -> dict[str, str]:
        return {"project_id": self.project_id, "zone": self.zone, "resource_id": self.resource_id}

    def _hook(self) -> VentasComputeEngineHook:
        from ventas_airflow.hooks.compute import VentasComputeEngineHook

        return VentasComputeEngineHook(gcp_conn_id=self.gcp_conn_id)


class EnsureDruidVmOperator(DruidVmOperator):
    """Creates the VM if it is missing, starts it if it is off, and waits until Druid is healthy.

    :param body: the VM as the REST API's instance resource (camelCase), for when it is missing
    :param druid_conn_id: Druid ingest connection, whose host and port are the router's

    Returns ``{"vm", "accion": "creada" | "iniciada" | "ya_encendida", "segundos"}``.
    """

    template_fields: Sequence[str] = (*DruidVmOperator.template_fields, "body", "druid_conn_id")
    template_fields_renderers = {"body": "json"}  # noqa: RUF012 - Airflow's own attribute

    def __init__(
        self,
        *,
        body: dict[str, Any],
        druid_conn_id: str = "druid_ingest_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.body = body
        self.druid_conn_id = druid_conn_id

    def _advance(self, context: Context, started: float) -> Result:
        hook = self._hook()
        status = hook.vm_status(**self._vm())
        operation = None
        if status is None:
            accion = "creada"
            operation = hook.begin_insert(**self._vm(), body=self.body)
        elif status == "TERMINATED":
            accion = "iniciada"
            operation = hook.begin_start(**self._vm())
        elif status == "RUNNING" or status in STARTING:
            accion = "ya_encendida"
        elif status == "STOPPING":
            self.log.info("VM %s is STOPPING: waiting until it has, to start it", self.resource_id)
            until_stopped = self._until_status(started, [*STARTING, "RUNNING", "TERMINATED", None])
            return self._wait(context, until_stopped, "decide_again")
        else:
            raise AirflowException(
                f"VM {self.resource_id} is {status}: bring it to RUNNING or TERMINATED by hand"
            )
        self.log.info(
            "VM %s was %s (%s): waiting until Druid of connection %s has all its servers",
            self.resource_id,
            status or "missing",
            accion,
            self.druid_conn_id,
        )
        trigger = DruidHealthTrigger(
            druid_conn_id=self.druid_conn_id, **self._watched(started, operation, accion)
        )
        return self._wait(context, trigger, "execute_complete")

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Result:
        """End the task; a VM that this task started in vain is stopped again.

        The teardown of a setup that failed does not run, and a VM left on costs. A retry then
        starts it anew, which is the best remedy for a Druid that did not come up.
        """
        if event["status"] != "success" and event["carry"]["accion"] in ("creada", "iniciada"):
            self._stop_in_vain()
        return super().execute_complete(context, event)

    def _stop_in_vain(self) -> None:
        try:
            hook = self._hook()
            if hook.vm_status(**self._vm()) == "RUNNING":
                hook.begin_stop(**self._vm())
                self.log.warning("VM %s is being stopped: Druid did not start", self.resource_id)
        except AirflowException as error:
            self.log.error("VM %s may still be on: %s", self.resource_id, error)


class StopDruidVmOperator(DruidVmOperator):
    """Stops the VM and waits until it has stopped; a VM that is off or missing is well.

    :param keep_on: leave the VM on and skip the task; ``"true"`` or ``"false"`` if templated
    :param shared_by: ids of the DAGs whose runs need the VM: while another run does, it is left on
        and the task is skipped, since that run stops it

    Returns ``{"vm", "accion": "apagada" | "ya_apagada" | "no_existe", "segundos"}``.
    """

    template_fields: Sequence[str] = (*DruidVmOperator.template_fields, "keep_on")

    def __init__(
        self, *, keep_on: bool | str = False, shared_by: Sequence[str] = (), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.keep_on = keep_on
        self.shared_by = shared_by

    def execute(self, context: Context) -> Result:
        """Skip if the VM is to be kept on, otherwise stop it."""
        if self._flag("keep_on"):
            raise AirflowSkipException(f"VM {self.resource_id} is kept on, as keep_on asks")
        return super().execute(context)

    def _advance(self, context: Context, started: float) -> Result:
        hook = self._hook()
        status = hook.vm_status(**self._vm())
        if status is None or status == "TERMINATED":
            self.log.info("VM %s is %s: nothing to stop", self.resource_id, status or "missing")
            return self._result("ya_apagada" if status else "no_existe")
        if status in STARTING:
            self.log.info("VM %s is %s: waiting until it can be stopped", self.resource_id, status)
            until_started = self._until_status(started, ["RUNNING", "STOPPING", "TERMINATED", None])
            return self._wait(context, until_started, "decide_again")
        operation = None
        if status != "STOPPING":
            self._skip_if_needed(context)
            operation = hook.begin_stop(**self._vm())
        self.log.info("VM %s was %s: waiting until it has stopped", self.resource_id, status)
        until_stopped = self._until_status(
            started,
            ["TERMINATED", None],
            operation=operation,
            hopeless=[*STARTING, "RUNNING"],
            accion="apagada",
        )
        return self._wait(context, until_stopped, "execute_complete")

    def _skip_if_needed(self, context: Context) -> None:
        """Just before the VM is stopped: others may have begun to need it."""
        needing = users(
            context["ti"], self.shared_by, patience=self.timeout, interval=self.poll_interval
        )
        if needing:
            raise AirflowSkipException(
                f"VM {self.resource_id} is left on: {', '.join(needing)} needs it and stops it"
            )
