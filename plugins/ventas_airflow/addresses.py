"""Addresses that people outside of Airflow follow."""

from airflow.sdk.configuration import conf


def airflow_address(path: str) -> str:
    """Return the address of a path of Airflow's web server, such as "/dags"."""
    base = str(conf.get("api", "base_url", fallback="") or "").rstrip("/")
    return base + path
