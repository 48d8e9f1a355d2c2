"""Druid's supervisors, tasks and SQL, through the connection of Airflow's Druid provider.

The provider's own hook has no time-outs and no methods for supervisors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.providers.apache.druid.hooks.druid import DruidHook

from include.druid.client import DruidClient

if TYPE_CHECKING:
    from airflow.sdk import Connection


class DruidSupervisorHook(DruidHook):
    """The provider's hook with a client for supervisors, tasks and SQL.

    The provider's `submit_indexing_job` waits for a batch task and logs its whole spec; a
    supervisor never ends, and its spec must not be logged. The login comes from the connection,
    as in the provider.
    """

    def get_verify(self) -> bool | str:
        """Return the extra's `ca_bundle_path`, or else whether to verify certificates.

        The provider reads that path only if verification is turned off.
        """
        return self.conn.extra_dejson.get("ca_bundle_path") or self.verify_ssl

    def get_client(self) -> DruidClient:
        """Return a client of the router that the ingest connection names."""
        return DruidClient(router_url(self.conn), auth=self.get_auth(), verify=self.get_verify())


def router_url(connection: Connection) -> str:
    """Return the root URL of Druid's router, which an ingest connection names."""
    port = f":{connection.port}" if connection.port else ""
    return f"{connection.schema or 'http'}://{connection.host}{port}"
