"""Keep web pages of other sites away from an Airflow that serves this machine alone."""

from typing import Any
from urllib.parse import urlsplit

from airflow.configuration import conf

from include.web_guard import WebGuard

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def root_middlewares() -> list[dict[str, Any]]:
    """Return what Airflow's API server puts before all of its routes, ours and its own.

    Nothing where people open Airflow by another address than this machine's: there a reverse proxy
    may change Host, and the deployment decides.
    """
    if urlsplit(conf.get("api", "base_url", fallback="")).hostname not in _LOOPBACK:
        return []
    # Tasks may run beside the API server and call it by a name of their network.
    execution = urlsplit(conf.get("core", "execution_api_server_url", fallback="")).hostname
    names = [execution] if execution else []
    return [{"name": "web guard", "middleware": WebGuard, "kwargs": {"names": names}}]
