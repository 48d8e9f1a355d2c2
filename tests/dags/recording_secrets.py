"""A secrets backend for `parsing`, in a file of its own: Airflow imports it while it starts."""

from __future__ import annotations

from typing import Any

from airflow.secrets.base_secrets import BaseSecretsBackend

#: What was asked for, in order.
ASKED: list[str] = []


class RecordingSecrets(BaseSecretsBackend):
    """Notes what is asked of it, and has nothing."""

    def get_connection(self, conn_id: str, *_: Any, **__: Any) -> None:
        ASKED.append(f"connection {conn_id}")

    def get_variable(self, key: str, *_: Any, **__: Any) -> None:
        ASKED.append(f"variable {key}")

    def get_config(self, key: str) -> None:
        """Airflow's own configuration may come from a backend too; it is none of a DAG's."""
