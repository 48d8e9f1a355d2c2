"""Web guard for an Airflow that serves only this machine: refuses requests of other sites."""

from typing import Any
from urllib.parse import urlsplit

from airflow.configuration import conf

from include.web_guard import WebGuard

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def root_middlewares() -> list[dict[str, Any]]:
    """Return the middlewares that Airflow's API server puts before all routes, ours and its own.

    Return none if people open Airflow by another address than this machine's: a reverse proxy may
    change the Host header there, and the deployment decides.
    """
    if urlsplit(conf.get("api", "base_url", fallback="")).hostname not in _LOOPBACK:
        return []
    # Tasks may run in other containers and call the API server by its name in their network.
    execution = urlsplit(conf.get("core", "execution_api_server_url", fallback="")).hostname
    names = [execution] if execution else []
    return [{"name": "web guard", "middleware": WebGuard, "kwargs": {"names": names}}]
