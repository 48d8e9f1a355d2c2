"""Leaving Druid as a test found it."""

import requests

from include.druid.client import DruidClient
from include.druid.supervisor import unfinished_tasks


def remove_supervisor(druid: DruidClient, name: str) -> None:
    druid.terminate_supervisor(name)
    # Its task would go on for the rest of its hour, in a slot that other tests need.
    for task in unfinished_tasks(druid.tasks(name)):
        stop = f"{druid.url}/druid/indexer/v1/task/{task}/shutdown"
        requests.post(stop, timeout=10).raise_for_status()
