"""Requests to the stand-ins, as a test writes them."""

from __future__ import annotations

from functools import cache
from typing import Any

import httpx

from tests.support.cloud.confluent import API_KEY, API_SECRET, Confluent
from tests.support.cloud.google import Google

PROJECT = "projects/my-project"
REGION = "southamerica-east1"
ZONE = f"{REGION}-a"
COMPUTE = f"compute.googleapis.com/compute/v1/{PROJECT}"
SECRETS = f"secretmanager.googleapis.com/v1/{PROJECT}/secrets"
ACCOUNTS = f"iam.googleapis.com/v1/{PROJECT}/serviceAccounts"
BUCKETS = "storage.googleapis.com/storage/v1/b"
ALL_APIS = tuple(f"{name}.googleapis.com" for name in ("compute", "iam", "iap", "secretmanager"))


@cache
def client() -> httpx.Client:
    """Return the client of all tests; a new one would read every certificate authority."""
    return httpx.Client(timeout=30)


def ask(
    cloud: Google | Confluent,
    method: str,
    path: str,
    body: Any = None,
    *,
    status: int = 200,
    auth: tuple[str, str] | None = None,
    content: bytes | None = None,
) -> Any:
    """Send a request, check the answer's status, and return its JSON."""
    url = path if path.startswith("http") else f"{cloud.endpoint}/{path}"
    key = auth or ((API_KEY, API_SECRET) if isinstance(cloud, Confluent) else None)
    answer = client().request(method, url, json=body, auth=key, content=content)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def message(answer: Any) -> str:
    """Return the sentence of an error of Google."""
    return str(answer["error"]["message"])


def done(google: Google, operation: Any) -> Any:
    """Wait for an operation of Compute Engine, and return it."""
    path = operation["selfLink"].partition("/compute/v1/")[2]
    return ask(google, "GET", f"compute.googleapis.com/compute/v1/{path}")


def make(google: Google, path: str, body: Any) -> Any:
    """Create a resource of Compute Engine, wait for it, and return the operation."""
    operation = done(google, ask(google, "POST", f"{COMPUTE}/{path}", body))
    assert operation["status"] == "DONE"
    return operation


def make_network(google: Google) -> None:
    """Turn the APIs on, and create a network with its subnetwork and the VM's account."""
    google.enable_api(*ALL_APIS)
    make(google, "global/networks", {"name": "ventas", "autoCreateSubnetworks": False})
    subnetwork = {"name": "ventas", "network": "global/networks/ventas"}
    make(google, f"regions/{REGION}/subnetworks", {**subnetwork, "ipCidrRange": "10.80.0.0/24"})
    ask(google, "POST", ACCOUNTS, {"accountId": "ventas-druid"})
