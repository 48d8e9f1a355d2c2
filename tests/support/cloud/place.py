"""A deployment on the stand-ins: both clouds and Druid, in this process and without waiting."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import timedelta
from typing import Any

import httpx

from include.cloud.cloud import Cloud
from include.cloud.deployment import Deployment
from include.cloud.rest import Clock, Confluent, Google
from tests.support.cloud import confluent as confluent_stand_in
from tests.support.cloud import google as google_stand_in
from tests.support.cloud.druid import Druid
from tests.support.cloud.in_process import InProcess

ENVIRONMENT = {
    "VENTAS_GOOGLE_ENDPOINT": "http://google.test",
    "VENTAS_CONFLUENT_ENDPOINT": "http://confluent.test",
    "CONFLUENT_CLOUD_API_KEY": confluent_stand_in.API_KEY,
    "CONFLUENT_CLOUD_API_SECRET": confluent_stand_in.API_SECRET,
}


#: Types of the attributes that are a stand-in's state.
_BREAKABLE = (dict, set, str, int, float, timedelta)


class Place:
    """The stand-ins, and the way to them.

    Attributes:
        google: Google's stand-in.
        confluent: Confluent's stand-in.
        druid: Druid's stand-in, on the VM.
        environment: variables of the command.
        skew: seconds by which the person's clock is ahead.
        told: steps that the command told about.
    """

    def __init__(
        self, google: google_stand_in.Google, confluent: confluent_stand_in.Confluent
    ) -> None:
        google.endpoint, confluent.endpoint = "http://google.test", "http://confluent.test"
        self.google = google
        self.confluent = confluent
        self.druid = Druid(google)
        self.environment = dict(ENVIRONMENT)
        self.skew = 0.0
        self.told: list[str] = []
        self._time = 0.0

    def transport(self) -> InProcess:
        """Return a new way to the stand-ins."""
        return InProcess(
            {
                "google.test": self.google,
                "confluent.test": self.confluent,
                "druid.test": self.druid,
            }
        )

    def cloud(self, transport: InProcess | None = None, **settings: Any) -> Cloud:
        """Return the command's view of the clouds, as a new process has it."""
        way = transport or self.transport()
        clock = Clock(
            now=lambda: self.google.now.timestamp() + self.skew,
            monotonic=lambda: self._time,
            sleep=self._sleep,
        )
        return Cloud(
            Deployment(**{"project": "my-project", **settings}),
            Google(clock, environment=self.environment, transport=way),
            lambda: Confluent(clock, environment=self.environment, transport=way),
            druid=httpx.Client(base_url="http://druid.test", transport=way),
            clock=clock,
            connect=self._connect,
            tell=lambda key, **values: self.told.append(
                f"{key} {' '.join(map(str, values.values()))}"
            ),
        )

    def save(self) -> list[dict[str, Any]]:
        """Return a copy of everything that a test may break."""
        return [
            deepcopy({n: v for n, v in vars(part).items() if isinstance(v, _BREAKABLE)})
            for part in self._parts
        ]

    def restore(self, saved: list[dict[str, Any]]) -> None:
        """Set everything back to what `save` returned."""
        for part, state in zip(self._parts, saved, strict=True):
            vars(part).update(deepcopy(state))

    @property
    def _parts(self) -> tuple[object, ...]:
        return (self, self.google, self.confluent, self.druid)

    def _connect(self, address: tuple[str, int], seconds: float) -> socket.socket:
        """Connect to this machine only: the names of Confluent's servers are invented."""
        if address[0] != "127.0.0.1":
            raise OSError("unknown host")
        return socket.create_connection(address, seconds)

    def _sleep(self, seconds: float) -> None:
        self._time += seconds
        # What Google has begun goes on meanwhile.
        self.google.settle()


@contextmanager
def place() -> Iterator[Place]:
    """Yield stand-ins of new accounts; at the end, raise what they were asked wrongly."""
    with (
        google_stand_in.google_cloud() as google,
        confluent_stand_in.confluent_cloud() as confluent,
    ):
        yield Place(google, confluent)
