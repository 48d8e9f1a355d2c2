"""Trigger that waits until Druid's tasks read a topic, and that checks their offsets in Kafka.

It looks its connections up, by id, where it runs, so that no secret is stored with it.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from include.druid.client import DruidClient, DruidError, DruidUnreachableError
from include.druid.offsets import OffsetsError, check_offsets, positions, reset
from include.druid.supervisor import describe, is_running, kafka_refusal
from ventas_airflow.preconditions import druid_client
from ventas_airflow.triggers.waiting import WaitTrigger

if TYPE_CHECKING:
    from include.druid.offsets import Held


class ReadingTrigger(WaitTrigger):
    """Waits until a supervisor's tasks read their topic.

    The event is ``fatal`` if Kafka refuses the tasks, or if Kafka does not have the records at
    the offsets where they go on.

    :param druid_conn_id: ingest connection, whose host and port are the router's
    :param supervisor: the supervisor's id
    :param kafka_conn_id: Kafka connection
    :param topic: the topic that the supervisor reads
    :param reset_offsets: let Druid go on at the oldest records that Kafka has, instead of failing
    """

    def __init__(
        self,
        *,
        druid_conn_id: str,
        supervisor: str,
        kafka_conn_id: str,
        topic: str,
        reset_offsets: bool,
        **common: Any,
    ) -> None:
        super().__init__(**common)
        self.druid_conn_id = druid_conn_id
        self.supervisor = supervisor
        self.kafka_conn_id = kafka_conn_id
        self.topic = topic
        self.reset_offsets = reset_offsets
        # When the supervisor was last submitted or reset: earlier complaints of Druid's are over.
        self._reports_since = datetime.fromtimestamp(self.carry["started"], UTC)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        path, common = super().serialize()
        return path, {
            **common,
            "druid_conn_id": self.druid_conn_id,
            "supervisor": self.supervisor,
            "kafka_conn_id": self.kafka_conn_id,
            "topic": self.topic,
            "reset_offsets": self.reset_offsets,
        }

    async def _outcome(self) -> dict[str, str]:
        client = await asyncio.to_thread(druid_client, self.druid_conn_id)
        # The clients block: a call in this event loop would stop all other triggers meanwhile.
        return await self._until(
            lambda: asyncio.to_thread(self._missing, client),
            f"supervisor {self.supervisor} reads {self.topic}",
        )

    def _missing(self, client: DruidClient) -> str:
        from include.stream.errors import KafkaUnreachableError, StreamError

        try:
            return self._look(client)
        except OffsetsError as error:
            # No retry: Druid and Kafka stay as they are until a person decides.
            raise AirflowFailException(str(error)) from error
        except (DruidUnreachableError, KafkaUnreachableError) as error:
            return str(error)
        except (DruidError, StreamError) as error:
            raise AirflowException(str(error)) from error

    def _look(self, client: DruidClient) -> str:
        status = client.supervisor_status(self.supervisor)
        if refusal := kafka_refusal(status, self._reports_since):
            raise AirflowFailException(refusal)
        at = positions(client, status, self._reports_since)
        # Kafka after Druid, which may read on meanwhile: Kafka has had all that Druid has read.
        held = self._held()
        if self.reset_offsets:
            if done := reset(client, self.supervisor, at, self.topic, held):
                self._reports_since = datetime.now(UTC)
                return done
        else:
            check_offsets(at, self.topic, held)
        if not is_running(status):
            return f"supervisor {self.supervisor} is {describe(status)}"
        return "" if at.begun else f"supervisor {self.supervisor} has no reading task yet"

    def _held(self) -> Held:
        from include.stream.reader import offsets_of
        from ventas_airflow.hooks.kafka import KafkaConfigHook

        return offsets_of(KafkaConfigHook(self.kafka_conn_id).get_conn, self.topic)
