"""A secrets backend for `parsing`, in its own module, since Airflow imports it at its start."""

from __future__ import annotations

from typing import Any

from airflow.secrets.base_secrets import BaseSecretsBackend

#: The looked-up connections and variables, in order.
ASKED: list[str] = []


class RecordingSecrets(BaseSecretsBackend):
    """Secrets backend without entries that records every look-up."""

    def get_connection(self, conn_id: str, *_: Any, **__: Any) -> None:
        ASKED.append(f"connection {conn_id}")

    def get_variable(self, key: str, *_: Any, **__: Any) -> None:
        ASKED.append(f"variable {key}")

    def get_config(self, key: str) -> None:
        """Ignore look-ups of Airflow's own configuration, which no DAG makes."""
