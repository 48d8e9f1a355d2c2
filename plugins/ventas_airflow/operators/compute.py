"""Operators that keep the Druid VM on during a window, and off afterwards.

Google's libraries take seconds to import, so they are imported when a task runs.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from include.gcp.definition import kept_disks, with_existing_disks, with_startup
from include.names import DRUID_CONNECTION, GOOGLE_CONNECTION
from ventas_airflow.concurrent_runs import users
from ventas_airflow.operators.waiting import WaitingOperator
from ventas_airflow.triggers.druid_health import DruidHealthTrigger, VmStatusTrigger
from ventas_airflow.vm import zones_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from ventas_airflow.hooks.compute import VentasComputeEngineHook

Result = dict[str, Any]
Carry = dict[str, Any]

STARTING = ("PROVISIONING", "STAGING")

STOPPING = ("STOPPING", "PENDING_STOP")

#: Compute Engine repairs the VM, and accepts no request for it until that is over.
REPAIRING = "REPAIRING"

#: Seconds between tries while no zone has capacity.
CAPACITY_INTERVAL = 60.0

#: Start of the lines that `setup.sh` writes to the console while it installs Java and Druid.
INSTALLING = "installing "

#: A line of `setup.sh` on the console, after systemd's prefix.
_CONSOLE_LINE = re.compile(r"\bventas: (.*\S)")


class DruidVmOperator(WaitingOperator):
    """Base class of the operators that start and stop the VM, in whichever zone it is.

    :param project_id: Google Cloud project of the VM
    :param zones: zones that may have the VM, as `zones_of` takes them; a new VM is created in the
        first zone that has capacity
    :param resource_id: name of the VM
    :param gcp_conn_id: Google Cloud connection; its extra may have ``api_endpoint``
    """

    template_fields: Sequence[str] = ("project_id", "zones", "resource_id", "gcp_conn_id")

    def __init__(
        self,
        *,
        project_id: str,
        zones: str | Sequence[Any],
        resource_id: str,
        gcp_conn_id: str = GOOGLE_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.project_id = project_id
        self.zones = zones
        self.resource_id = resource_id
        self.gcp_conn_id = gcp_conn_id

    def execute(self, context: Context) -> Result:
        """Start or stop the VM, as its status requires, then wait."""
        return self._advance(context, {"started": time.time()})

    def decide_again(self, context: Context, event: dict[str, Any]) -> Result:
        """Go on once the VM has left a status in which it accepts no request."""
        self._check(event)
        return self._advance(context, event["carry"])

    def execute_complete(
        self,
        context: Context,  # noqa: ARG002 - Airflow hands it over
        event: dict[str, Any],
    ) -> Result:
        """End the task by the trigger's event."""
        self._check(event)
        result = self._result(event["carry"])
        self.log.info(
            "VM %s in zone %s: %s after %s s",
            self.resource_id,
            result["zone"],
            result["action"],
            result["seconds"],
        )
        return result

    def _advance(self, context: Context, carry: Carry) -> Result:
        """Take the next step; ``carry`` has ``started`` and what the class itself puts there."""
        raise NotImplementedError

    def _check(self, event: dict[str, Any]) -> None:
        """Raise AirflowException unless the wait ended well."""
        if event["status"] == "timeout":
            raise AirflowException(
                f"Timed out after {self._patience(event['carry']):g} s: {event['message']}. Look "
                f"at the VM's serial console in Compute Engine (project {self.project_id}, zone "
                f"{event['carry']['zone']}), or on the embedded stack at `./ventas status` and "
                "`./ventas logs`."
            )
        if event["status"] == "fatal":
            raise AirflowFailException(event["message"])
        if event["status"] != "success":
            raise AirflowException(event["message"])

    def _result(self, carry: Carry) -> Result:
        return {
            "vm": self.resource_id,
            "zone": carry["zone"],
            "action": carry["action"],
            "seconds": round(time.time() - carry["started"], 1),
        }

    def _until_status(
        self,
        carry: Carry,
        statuses: list[str | None],
        *,
        operation: str | None = None,
        hopeless: Sequence[str] = (),
        deadline: float | None = None,
    ) -> VmStatusTrigger:
        return VmStatusTrigger(
            statuses=statuses,
            hopeless=list(hopeless),
            **self._watched(carry, operation, deadline),
        )

    def _watched(
        self, carry: Carry, operation: str | None = None, deadline: float | None = None
    ) -> dict[str, Any]:
        """Return a trigger's arguments; the default ``deadline`` is the task's."""
        return {
            "vm": self._vm(carry["zone"]),
            "gcp_conn_id": self.gcp_conn_id,
            "operation": operation,
            "deadline": self._deadline(carry) if deadline is None else deadline,
            "poll_interval": self.poll_interval,
            "carry": carry,
        }

    def _deadline(self, carry: Carry) -> float:
        return float(carry["started"]) + self._patience(carry)

    def _patience(self, carry: Carry) -> float:
        """Return the seconds from the start to the deadline, which a subclass may prolong."""
        return float(carry.get("patience", self.timeout))

    def _vm(self, zone: str) -> dict[str, str]:
        return {"project_id": self.project_id, "zone": zone, "resource_id": self.resource_id}

    def _find(self) -> dict[str, Any] | None:
        return self._hook().find(
            project_id=self.project_id, zones=self.zones, resource_id=self.resource_id
        )

    def _hook(self) -> VentasComputeEngineHook:
        from ventas_airflow.hooks.compute import VentasComputeEngineHook

        return VentasComputeEngineHook(gcp_conn_id=self.gcp_conn_id)


class EnsureDruidVmOperator(DruidVmOperator):
    """Creates the VM if it is missing, starts it if it is off, and waits until Druid is healthy.

    If a zone has no capacity for a new VM, the next zone is tried. A VM that exists, or whose data
    disk was kept, has its disk in a zone, so only that zone is tried; a new VM attaches a kept
    disk. With no zone left, the
    operator tries again every `CAPACITY_INTERVAL` until the deadline.

    A VM without Druid first downloads 630 MB, which can take an hour. So at the deadline the
    operator reads the VM's serial console. While `setup.sh` says there that it installs, the
    deadline moves on by ``timeout``, up to ``install_timeout`` in all; once more if it has just
    finished. The console was chosen because the VM itself writes it: it is right for a VM that
    was created just now, for one whose first boot was interrupted, and for a new version of Druid.
    A label set by the operator would be wrong as soon as the operator is interrupted. A VM that is
    stopped keeps its partial download, and continues it at the next start.

    :param body: the REST API's instance resource (camelCase) of a new VM; ``{zone}`` in its URLs
        stands for the zone; `with_startup` is applied to it
    :param druid_conn_id: Druid ingest connection, whose host and port are the router's
    :param install_timeout: seconds until the task gives up on a VM that installs Druid

    Returns ``{"vm", "zone", "action": "created" | "started" | "already_on", "seconds"}``.
    """

    template_fields: Sequence[str] = (*DruidVmOperator.template_fields, "body", "druid_conn_id")
    template_fields_renderers = {"body": "json"}  # noqa: RUF012 - Airflow's own attribute

    def __init__(
        self,
        *,
        body: dict[str, Any],
        druid_conn_id: str = DRUID_CONNECTION,
        install_timeout: float = 7200.0,
        **kwargs: Any,
    ) -> None:
        # Native rendering would turn "20" into a number, where Compute Engine requires a string.
        super().__init__(render_template_as_native_obj=False, **kwargs)
        self.body = body
        self.druid_conn_id = druid_conn_id
        self.install_timeout = install_timeout

    def go_on_or_end(self, context: Context, event: dict[str, Any]) -> Result:
        """Go on waiting at the deadline if the VM still installs Druid; otherwise end the wait."""
        if event["status"] == "timeout":
            carry = event["carry"]
            console = self._console(carry["zone"])
            if longer := self._prolonged(carry, console):
                self.log.info("VM %s goes on: %s", self.resource_id, console or event["message"])
                return self._until_healthy(context, longer)
            if console:
                message = f"{event['message']}. The VM's last line on its console: {console}"
                event = {**event, "message": message}
        return self.execute_complete(context, event)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Result:
        """End the task, or try another zone; if the start failed, stop the VM again.

        Airflow does not run the teardown of a setup that failed, and a VM that is on costs money.
        A retry then starts the VM again, which is the best remedy if Druid did not come up.
        """
        if event["status"] == "exhausted":
            return self._elsewhere(context, event)
        if event["status"] != "success" and event["carry"]["action"] in ("created", "started"):
            self._stop_in_vain(event["carry"]["zone"])
        return super().execute_complete(context, event)

    def try_again(self, context: Context, event: dict[str, Any]) -> Result:
        """Try every zone again, whatever the event of the pause: the VM's status is read again."""
        return self._advance(context, {**event["carry"], "full": []})

    def _advance(self, context: Context, carry: Carry) -> Result:
        from ventas_airflow.hooks.compute import zone_of

        hook = self._hook()
        vm = self._find()
        status = vm and vm["status"]
        full = carry.get("full", [])
        home, kept = (zone_of(vm), []) if vm else self._kept_disks(hook)
        zone = home or next(z for z in zones_of(self.zones) if z not in full)
        carry = {**carry, "home": home, "full": full, "zone": zone, "patience": self.timeout}
        operation = None
        if vm is None:
            carry["action"] = "created"
            body = json.loads(json.dumps(self.body).replace("zones/{zone}", f"zones/{zone}"))
            body = with_startup(with_existing_disks(body, zone, kept))
            operation = hook.begin_insert(**self._vm(zone), body=body)
        elif status == "TERMINATED":
            carry["action"] = "started"
            operation = hook.begin_start(**self._vm(zone))
        elif status == "RUNNING" or status in STARTING:
            carry["action"] = "already_on"
        elif status in (*STOPPING, REPAIRING):
            self.log.info("VM %s is %s: waiting until it can start", self.resource_id, status)
            settled = self._until_status(carry, [*STARTING, "RUNNING", "TERMINATED", None])
            return self._wait(context, settled, "decide_again")
        else:
            raise AirflowException(
                f"VM {self.resource_id} is {status}: bring it to RUNNING or TERMINATED by hand"
            )
        self.log.info(
            "VM %s in zone %s was %s (%s): waiting until Druid of connection %s is healthy",
            self.resource_id,
            zone,
            status or "missing",
            carry["action"],
            self.druid_conn_id,
        )
        carry["installing"] = carry["action"] == "created"
        return self._until_healthy(context, carry, operation)

    def _until_healthy(
        self, context: Context, carry: Carry, operation: str | None = None
    ) -> Result:
        trigger = DruidHealthTrigger(
            druid_conn_id=self.druid_conn_id, **self._watched(carry, operation)
        )
        return self._wait(context, trigger, "go_on_or_end")

    def _prolonged(self, carry: Carry, console: str | None) -> Carry | None:
        """Return the carry with a later deadline if the VM deserves one, otherwise None.

        `console` is the last line on the console; a new VM is trusted if it cannot be read (None).
        ``carry["installing"]`` tells whether the VM installed at the last deadline.
        """
        if console is None:
            installing = carry["action"] == "created"
        else:
            installing = console.startswith(INSTALLING)
        finished = carry["installing"] and console and not console.startswith("ERROR")
        passed = time.time() - carry["started"]
        if not (installing or finished) or passed + self.poll_interval > self.install_timeout:
            return None
        patience = min(passed + self.timeout, self.install_timeout)
        return {**carry, "patience": round(patience), "installing": installing}

    def _console(self, zone: str) -> str | None:
        """Return the last line of `setup.sh` on the console ("" if none), or None if unreadable."""
        from ventas_airflow.hooks.compute_errors import (
            ComputeEngineRefused,
            ComputeEngineUnavailable,
        )

        try:
            lines = _CONSOLE_LINE.findall(self._hook().console(**self._vm(zone)))
        except AirflowException as error:
            self.log.warning("The VM's serial console cannot be read: %s", error)
            # Another refusal means that the VM is not ready, so it has no console yet.
            return (
                None if isinstance(error, (ComputeEngineRefused, ComputeEngineUnavailable)) else ""
            )
        return str(lines[-1]) if lines else ""

    def _elsewhere(self, context: Context, event: dict[str, Any]) -> Result:
        """Go on in the next zone; with none left, pause until the zones are tried again."""
        carry = event["carry"]
        self.log.warning("%s", event["message"])
        full = [*carry["full"], carry["zone"]]
        if not carry["home"] and set(zones_of(self.zones)) - set(full):
            return self._advance(context, {**carry, "full": full})
        if time.time() + CAPACITY_INTERVAL > self._deadline(carry):
            remedy = self._where_to_go(carry["home"])
            raise AirflowException(
                f"Timed out after {self.timeout:g} s: {event['message']} VM {self.resource_id}: "
                f"{remedy}"
            )
        return self._pause(context, carry, "try_again")

    def _pause(self, context: Context, carry: Carry, then: str) -> Result:
        """Pause for `CAPACITY_INTERVAL`, or until someone else has started the VM."""
        self.log.warning("Trying to start VM %s again in %g s", self.resource_id, CAPACITY_INTERVAL)
        until = time.time() + CAPACITY_INTERVAL
        return self._wait(
            context, self._until_status(carry, [*STARTING, "RUNNING"], deadline=until), then
        )

    def _where_to_go(self, home: str | None) -> str:
        """Return what a person can do while no zone has capacity."""
        if home:
            return (
                f"its disk is in {home}, so it cannot start in another zone: try later, choose "
                "another machine type, or move the disk with a snapshot"
            )
        return (
            f"none of its zones ({', '.join(zones_of(self.zones))}) has capacity: add zones to "
            f"`zones` in the extra of connection '{self.gcp_conn_id}', or try later"
        )

    def _kept_disks(self, hook: VentasComputeEngineHook) -> tuple[str | None, list[str]]:
        """Return an earlier VM's disks and their zone: only a VM in that zone can use them."""
        names = kept_disks(self.body)
        for zone in zones_of(self.zones):
            if kept := hook.existing_disks(project_id=self.project_id, zone=zone, names=names):
                return zone, kept
        return None, []

    def _stop_in_vain(self, zone: str) -> None:
        try:
            hook = self._hook()
            status = hook.vm_status(**self._vm(zone))
            if status == "RUNNING":
                hook.begin_stop(**self._vm(zone))
                self.log.warning("Stopping VM %s, because Druid did not start", self.resource_id)
            elif status in STARTING:
                self.log.error(
                    "VM %s is still %s and may start to run: stop it", self.resource_id, status
                )
        except AirflowException as error:
            self.log.error("VM %s may still be on, check it: %s", self.resource_id, error)


class StopDruidVmOperator(DruidVmOperator):
    """Stops the VM and waits until it has stopped; succeeds if the VM is off or missing.

    :param keep_on: leave the VM on and skip the task; ``"true"`` or ``"false"`` if templated
    :param shared_by: ids of the DAGs whose runs need the VM; while another run needs it, the task
        is skipped and that run stops the VM

    Returns ``{"vm", "zone", "action": "stopped" | "already_off" | "missing", "seconds"}``.
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
            raise AirflowSkipException(f"VM {self.resource_id} stays on, because keep_on is true")
        return super().execute(context)

    def _advance(self, context: Context, carry: Carry) -> Result:
        from ventas_airflow.hooks.compute import zone_of

        vm = self._find()
        status = vm and vm["status"]
        if vm is None or status == "TERMINATED":
            self.log.info("VM %s is %s: nothing to stop", self.resource_id, status or "missing")
            zone, action = (zone_of(vm), "already_off") if vm else (None, "missing")
            return self._result({**carry, "zone": zone, "action": action})
        carry = {**carry, "zone": zone_of(vm), "action": "stopped"}
        if status in (*STARTING, REPAIRING):
            self.log.info("VM %s is %s: waiting until it can be stopped", self.resource_id, status)
            started = self._until_status(carry, ["RUNNING", "STOPPING", "TERMINATED", None])
            return self._wait(context, started, "decide_again")
        operation = None
        if status not in STOPPING:
            self._skip_if_needed(context)
            operation = self._hook().begin_stop(**self._vm(carry["zone"]))
        self.log.info("VM %s was %s: waiting until it has stopped", self.resource_id, status)
        stopped = self._until_status(
            carry, ["TERMINATED", None], operation=operation, hopeless=[*STARTING, "RUNNING"]
        )
        return self._wait(context, stopped, "execute_complete")

    def _skip_if_needed(self, context: Context) -> None:
        """Skip the task if another run needs the VM; checked just before the VM is stopped."""
        needing = users(
            context["ti"], self.shared_by, patience=self.timeout, interval=self.poll_interval
        )
        if needing:
            raise AirflowSkipException(
                f"VM {self.resource_id} stays on: {', '.join(needing)} still needs it, and will "
                "stop it"
            )
