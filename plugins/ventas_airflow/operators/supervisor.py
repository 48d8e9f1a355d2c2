"""Operators that open and close Druid's ingestion of a topic."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from include.names import KAFKA_CONNECTION, LEDGER_TOPIC, TOPIC
from ventas_airflow.concurrent_runs import Stage, users
from ventas_airflow.operators.connections import DatasourceOperator, kafka_config
from ventas_airflow.operators.waiting import WaitingOperator
from ventas_airflow.runs import (
    Published,
    Shard,
    each_published,
    earliest_record,
    transactional_id,
)
from ventas_airflow.triggers.druid_reading import ReadingTrigger
from ventas_airflow.triggers.druid_supervisor import Goal, SupervisorTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.druid.supervisor import Expected

#: Seconds that Kafka may take to fence one producer.
_FENCE = 60.0

#: Times that rows are read again after a task failed to publish them, before the run fails.
_MOST_RESUMED = 3


class SupervisorOperator(DatasourceOperator, WaitingOperator):
    """Base class of the operators that open and close the ingestion.

    :param datasource: Druid datasource; the supervisor has its name
    :param druid_conn_id: Druid ingest connection, whose host and port are the router's
    """

    template_fields: Sequence[str] = ("datasource", "druid_conn_id")

    def execute_complete(
        self,
        context: Context,  # noqa: ARG002 - Airflow hands it over
        event: dict[str, Any],
    ) -> dict[str, Any]:
        """End the task by the trigger's event; return ``{"supervisor", "seconds"}``."""
        self._check(event)
        seconds = round(time.time() - event["carry"]["started"], 1)
        self.log.info("%s after %s s", event["message"], seconds)
        return {"supervisor": self.datasource, "seconds": seconds}

    def _check(self, event: dict[str, Any]) -> None:
        """Fail the task unless the event is a success."""
        if event["status"] == "timeout":
            raise AirflowException(
                f"Timed out after {self.timeout:g} s: {event['message']}. Look at supervisor "
                f"{self.datasource} in Druid's console, or at its /status."
            )
        if event["status"] == "fatal":
            raise AirflowFailException(event["message"])
        if event["status"] != "success":
            raise AirflowException(event["message"])


class SubmitSupervisorOperator(SupervisorOperator):
    """Submits the Kafka ingestion spec and waits until Druid's tasks read the topic.

    Submitting the same spec again changes nothing; a suspended supervisor goes on at its offsets.
    If Kafka does not have the records at those offsets, the task fails without retries.

    :param topic: Kafka topic
    :param kafka_conn_id: Kafka connection; its secrets do not go into the spec
    :param reset_offsets: as in `ReadingTrigger`; ``"true"`` or ``"false"`` if templated
    """

    template_fields: Sequence[str] = (
        *SupervisorOperator.template_fields,
        "topic",
        "kafka_conn_id",
        "reset_offsets",
    )

    def __init__(
        self,
        *,
        topic: str = TOPIC,
        kafka_conn_id: str = KAFKA_CONNECTION,
        reset_offsets: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.topic = topic
        self.kafka_conn_id = kafka_conn_id
        self.reset_offsets = reset_offsets

    def execute(self, context: Context) -> dict[str, Any]:
        """Submit, and wait until the tasks read."""
        from include.druid.supervisor import supervisor_spec

        started = time.time()
        reset_offsets = self._flag("reset_offsets")
        config = kafka_config(self.kafka_conn_id)
        spec = supervisor_spec(config, topic=self.topic, datasource=self.datasource)
        supervisor = self._druid().submit_supervisor(spec)
        self.log.info("Submitted supervisor %s of topic %s", supervisor, self.topic)
        trigger = ReadingTrigger(
            druid_conn_id=self.druid_conn_id,
            supervisor=self.datasource,
            kafka_conn_id=self.kafka_conn_id,
            topic=self.topic,
            reset_offsets=reset_offsets,
            deadline=started + self.timeout,
            poll_interval=self.poll_interval,
            carry={"started": started},
        )
        return self._wait(context, trigger, "execute_complete")


class SuspendSupervisorOperator(SupervisorOperator):
    """Suspends ingestion and waits until every segment is handed off: Druid may be stopped then.

    Druid then holds all events of the run that Kafka acknowledged. If an ingestion task failed
    before it published its rows, the supervisor is resumed, reads them again, and is suspended
    once more. A supervisor that does not exist counts as suspended.

    A publishing process can outlive its Airflow task: if the task's worker dies, or cannot write
    the task's log, Airflow counts the task as failed, but the process goes on. So the DAG run's
    producers are fenced before its rows are counted. They can commit nothing more.

    :param published: as in `ReconcileOperator`, if the runs have other names than the DAG run's id
    :param ledger_topic: ledger from which the rows of the DAG run are counted otherwise
    :param shards: shards of the DAG run's load, from `PlanLoadOperator`; none if it is no load
    :param shared_by: ids of the DAGs whose runs ingest by the same supervisor. While another run
        ingests, this task suspends nothing: that run hands off this run's rows too when it closes.
    :param kafka_conn_id: Kafka connection
    """

    template_fields: Sequence[str] = (
        *SupervisorOperator.template_fields,
        "published",
        "ledger_topic",
        "shards",
        "kafka_conn_id",
    )

    def __init__(
        self,
        *,
        published: Published = None,
        ledger_topic: str = LEDGER_TOPIC,
        shards: Sequence[Shard] | str | None = None,
        kafka_conn_id: str = KAFKA_CONNECTION,
        shared_by: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.published = published
        self.ledger_topic = ledger_topic
        self.shards = shards
        self.kafka_conn_id = kafka_conn_id
        self.shared_by = shared_by

    def execute(self, context: Context) -> dict[str, Any]:
        """Suspend the supervisor, and wait until all segments are handed off."""
        if ingesting := self._ingesting(context):
            self.log.info(
                "The ingestion stays open: %s still ingests, and will close it",
                ", ".join(ingesting),
            )
            return {"supervisor": self.datasource, "seconds": 0.0, "used_by": ingesting}
        started = time.time()
        # Before Kafka is asked: the rows that were read are handed off even if Kafka is away.
        if not self._suspend():
            return {"supervisor": self.datasource, "seconds": 0.0}
        expected = list(self._expected(context))
        carry = {"started": started, "expected": expected, "resumed": 0}
        return self._until(context, "settled", carry)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """End the task, or read the rows again that an ingestion task failed to publish."""
        carry = event["carry"]
        if event["status"] != "fatal" or carry["resumed"] == _MOST_RESUMED:
            return super().execute_complete(context, event)
        self.log.warning("%s. Resuming the supervisor to read these rows again", event["message"])
        self._druid().resume_supervisor(self.datasource)
        carry = {**carry, "resumed": carry["resumed"] + 1}
        return self._until(context, "complete", carry, "suspend_again")

    def suspend_again(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Suspend once all rows are read again, and wait until they are handed off."""
        self._suspend()
        self._check(event)
        return self._until(context, "settled", event["carry"])

    def _until(
        self,
        context: Context,
        goal: Goal,
        carry: dict[str, Any],
        then: str = "execute_complete",
    ) -> dict[str, Any]:
        """Wait for the goal; ``carry`` has ``started`` (Unix time) and ``expected``."""
        trigger = SupervisorTrigger(
            druid_conn_id=self.druid_conn_id,
            supervisor=self.datasource,
            goal=goal,
            expected=carry["expected"],
            deadline=carry["started"] + self.timeout,
            poll_interval=self.poll_interval,
            carry=carry,
        )
        return self._wait(context, trigger, then)

    def _ingesting(self, context: Context) -> list[str]:
        """Return the other runs that still ingest."""
        found = users(
            context["ti"], self.shared_by, patience=self.timeout, interval=self.poll_interval
        )
        return [run for run, stage in found.items() if stage is Stage.OPEN]

    def _suspend(self) -> bool:
        """Suspend the supervisor, and return whether it exists."""
        from include.druid.client import SupervisorMissingError

        try:
            self._druid().suspend_supervisor(self.datasource)
        except SupervisorMissingError as error:
            self.log.info("There is no supervisor to suspend: %s", error)
            return False
        return True

    def _expected(self, context: Context) -> Expected:
        """Return the rows that Druid must hold, once the DAG run's producers are fenced."""
        from include.druid.supervisor import Expected
        from include.stream.ledger import read_sums
        from include.stream.topics import TopicMissingError
        from include.stream.transactions import fence

        if several := each_published(self.published):
            runs = sorted({run["run"] for run in several})
            return Expected(runs, sum(run["committed"] for run in several))
        dag_run = context["dag_run"]
        config = kafka_config(self.kafka_conn_id)
        shards = cast("Sequence[Shard] | None", self.shards)  # the template is rendered
        for shard in shards or (None,):
            fence(config, transactional_id(self.dag_id, dag_run.run_id, shard), seconds=_FENCE)
        try:
            sums = read_sums(
                config, self.ledger_topic, [dag_run.run_id], since=earliest_record(dag_run)
            )
        except TopicMissingError:
            sums = {}
        return Expected([dag_run.run_id], sum(of.eventos for of in sums.values()))
