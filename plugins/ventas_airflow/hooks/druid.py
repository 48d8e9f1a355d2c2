"""Clients of Druid for the connections of Airflow's Druid provider.

The provider's own hooks have no time-outs and no methods for supervisors, and they write a query's
parameters into its text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.apache.druid.hooks.druid import DruidDbApiHook, DruidHook
from requests.auth import HTTPBasicAuth

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

    def get_client(self, **options: Any) -> DruidClient:
        """Return a client of the router that the ingest connection names.

        `options` go to `DruidClient`.
        """
        return DruidClient(
            router_url(self.conn), auth=self.get_auth(), verify=self.get_verify(), **options
        )


class DruidBrokerHook(DruidDbApiHook):
    """The provider's hook with a client for SQL; its connection and extras are the provider's."""

    def get_client(self, **options: Any) -> DruidClient:
        """Return a client of the broker that the broker connection names.

        `options` go to `DruidClient`.
        """
        connection = self.get_connection(self.get_conn_id())
        extra = connection.extra_dejson
        # The client adds the path itself; a proxy in front of Druid may have one before it.
        prefix = extra.get("endpoint", "").strip("/").removesuffix("druid/v2/sql")
        login = connection.login
        return DruidClient(
            f"{_address(connection, extra.get('schema'))}/{prefix}",
            auth=HTTPBasicAuth(login, connection.password or "") if login else None,
            verify=extra.get("ssl_verify_cert", True),
            **options,
        )


def router_url(connection: Connection) -> str:
    """Return the root URL of Druid's router, which an ingest connection names."""
    return _address(connection, connection.schema)


def _address(connection: Connection, scheme: str | None) -> str:
    port = f":{connection.port}" if connection.port else ""
    return f"{scheme or 'http'}://{connection.host}{port}"
