"""Druid's supervisors through the provider's connection, which has no time-outs and no such API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.providers.apache.druid.hooks.druid import DruidHook

from include.druid.client import DruidClient

if TYPE_CHECKING:
    from airflow.sdk import Connection


class DruidSupervisorHook(DruidHook):
    """The provider's hook with a client for supervisors, tasks and SQL.

    `submit_indexing_job` waits for a batch task and logs its whole spec; a supervisor never ends,
    and its spec belongs in no log. Authentication comes from the connection as there.
    """

    def get_verify(self) -> bool | str:
        """The extra's `ca_bundle_path`, or whether to verify at all.

        The provider looks for that path only where verification is turned off.
        """
        return self.conn.extra_dejson.get("ca_bundle_path") or self.verify_ssl

    def get_client(self) -> DruidClient:
        """A client of the router that the ingest connection points at."""
        return DruidClient(router_url(self.conn), auth=self.get_auth(), verify=self.get_verify())


def router_url(connection: Connection) -> str:
    """Return the root URL of Druid's router, which an ingest connection points at."""
    port = f":{connection.port}" if connection.port else ""
    return f"{connection.schema or 'http'}://{connection.host}{port}"
