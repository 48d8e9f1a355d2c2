"""Operators that open and close Druid's ingestion of a topic."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException

from ventas_airflow.triggers.druid_supervisor import Goal, SupervisorTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.druid.client import DruidClient

# Seconds that the triggerer has beyond the deadline to report it by itself.
TRIGGERER_GRACE = 60.0


class SupervisorOperator(BaseOperator):
    """What opening and closing share: the supervisor, the deadline, and how to wait.

    :param datasource: Druid datasource; the supervisor has its name
    :param druid_conn_id: Druid ingest connection, whose host and port are the router's
    :param poll_interval: seconds between looks while waiting
    :param timeout: seconds until the task gives up
    :param deferrable: wait in the triggerer; otherwise in the task's own process
    """

    template_fields: Sequence[str] = ("datasource", "druid_conn_id")
    goal: Goal

    def __init__(
        self,
        *,
        datasource: str = "ventas",
        druid_conn_id: str = "druid_ingest_default",
        poll_interval: float = 1.0,
        timeout: float = 300.0,
        deferrable: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.datasource = datasource
        self.druid_conn_id = druid_conn_id
        self.poll_interval = poll_interval
        self.timeout = timeout
        self.deferrable = deferrable

    def execute(self, context: Context) -> dict[str, Any]:
        """Tell Druid, then wait until it has done so."""
        started = time.time()
        self._tell(self._client())
        trigger = SupervisorTrigger(
            druid_conn_id=self.druid_conn_id,
            supervisor=self.datasource,
            goal=self.goal,
            deadline=started + self.timeout,
            poll_interval=self.poll_interval,
            carry={"started": started},
        )
        if self.deferrable:
            self.defer(
                trigger=trigger,
                method_name="execute_complete",
                timeout=timedelta(seconds=self.timeout + TRIGGERER_GRACE),
            )
        return self.execute_complete(context, event=asyncio.run(_first_event(trigger)))

    def execute_complete(
        self,
        context: Context,  # noqa: ARG002 - Airflow hands it over
        event: dict[str, Any],
    ) -> dict[str, Any]:
        """End the task by the trigger's event; returns ``{"supervisor", "segundos"}``."""
        if event["status"] == "timeout":
            raise AirflowException(
                f"Given up after {self.timeout:g} s: {event['message']}. Look at the supervisor "
                f"{self.datasource} in Druid's console or at its /status."
            )
        if event["status"] != "success":
            raise AirflowException(event["message"])
        seconds = round(time.time() - event["carry"]["started"], 1)
        self.log.info("%s after %s s", event["message"], seconds)
        return {"supervisor": self.datasource, "segundos": seconds}

    def _tell(self, client: DruidClient) -> None:
        raise NotImplementedError

    def _client(self) -> DruidClient:
        from ventas_airflow.hooks.druid import DruidSupervisorHook

        hook: DruidSupervisorHook = DruidSupervisorHook(self.druid_conn_id)
        return hook.get_client()


class SubmitSupervisorOperator(SupervisorOperator):
    """Submits the Kafka ingestion spec and waits until Druid's tasks read the topic.

    The same spec again changes nothing; a suspended supervisor goes on where it was.

    :param topic: Kafka topic
    :param kafka_conn_id: Kafka connection; its secrets do not go into the spec
    """

    template_fields: Sequence[str] = (*SupervisorOperator.template_fields, "topic", "kafka_conn_id")
    goal: Goal = "running"

    def __init__(
        self, *, topic: str = "ventas", kafka_conn_id: str = "kafka_default", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.topic = topic
        self.kafka_conn_id = kafka_conn_id

    def _tell(self, client: DruidClient) -> None:
        from include.druid.supervisor import supervisor_spec
        from ventas_airflow.hooks.kafka import KafkaConfigHook

        kafka_config = KafkaConfigHook(self.kafka_conn_id).get_conn
        spec = supervisor_spec(kafka_config, topic=self.topic, datasource=self.datasource)
        supervisor = client.submit_supervisor(spec)
        self.log.info("Supervisor %s of topic %s is submitted", supervisor, self.topic)


class SuspendSupervisorOperator(SupervisorOperator):
    """Suspends ingestion and waits until every segment is handed off: Druid may be stopped then.

    A supervisor that does not exist is well.
    """

    goal: Goal = "settled"

    def _tell(self, client: DruidClient) -> None:
        from include.druid.client import SupervisorMissingError

        try:
            client.suspend_supervisor(self.datasource)
        except SupervisorMissingError as error:
            self.log.info("Nothing to suspend: %s", error)


async def _first_event(trigger: SupervisorTrigger) -> dict[str, Any]:
    async for event in trigger.run():
        payload: dict[str, Any] = event.payload
        return payload
    raise AirflowException("The wait ended without an event")
