"""Operators that open and close Druid's ingestion of a topic."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from ventas_airflow.conditions import druid_client
from ventas_airflow.operators.waiting import WaitingOperator
from ventas_airflow.triggers.druid_supervisor import Goal, SupervisorTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.druid.client import DruidClient


class SupervisorOperator(WaitingOperator):
    """What opening and closing share: the supervisor.

    :param datasource: Druid datasource; the supervisor has its name
    :param druid_conn_id: Druid ingest connection, whose host and port are the router's
    """

    template_fields: Sequence[str] = ("datasource", "druid_conn_id")
    goal: Goal

    def __init__(
        self,
        *,
        datasource: str = "ventas",
        druid_conn_id: str = "druid_ingest_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.datasource = datasource
        self.druid_conn_id = druid_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Tell Druid, then wait until it has done so."""
        started = time.time()
        self._tell(druid_client(self.druid_conn_id))
        trigger = SupervisorTrigger(
            druid_conn_id=self.druid_conn_id,
            supervisor=self.datasource,
            goal=self.goal,
            deadline=started + self.timeout,
            poll_interval=self.poll_interval,
            carry={"started": started},
        )
        return self._wait(context, trigger, "execute_complete")

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
        if event["status"] == "fatal":
            raise AirflowFailException(event["message"])
        if event["status"] != "success":
            raise AirflowException(event["message"])
        seconds = round(time.time() - event["carry"]["started"], 1)
        self.log.info("%s after %s s", event["message"], seconds)
        return {"supervisor": self.datasource, "segundos": seconds}

    def _tell(self, client: DruidClient) -> None:
        raise NotImplementedError


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
