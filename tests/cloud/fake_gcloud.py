"""Stands in for `gcloud` in a test of docs/deploy.md: `python fake_gcloud.py compute ssh …`.

It sends the requests of each command to the stand-in of Google, whose discovery documents check
them, and runs the command of `compute ssh` in a folder in place of the VM.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

COMPUTE = "compute.googleapis.com/compute/v1/projects"


def main(words: list[str]) -> int:
    """Do what the words ask for; return the exit status."""
    before, _, after = " ".join(words).partition(" -- ")
    flags = dict(it[2:].partition("=")[::2] for it in words if it.startswith("--"))
    names = [it for it in words if not it.startswith("-")]
    match names:
        case ["auth", "login"] | ["config", "set", _, _]:
            return 0
        case ["services", "enable", *services]:
            return max(enable(service) for service in services)
        case ["compute", "resource-policies", "create", "snapshot-schedule", name]:
            return insert(region(), "resourcePolicies", schedule(name, flags))
        case ["compute", "disks", "add-resource-policies", disk]:
            policy = f"{COMPUTE}/{setting('project')}/{region()}/resourcePolicies"
            policies = [f"{policy.partition('/')[2]}/{flags['resource-policies']}"]
            return change(disk, "disks", "addResourcePolicies", {"resourcePolicies": policies})
        case ["compute", "snapshots", "create", name]:
            return change(flags["source-disk"], "disks", "createSnapshot", {"name": name})
        case ["compute", "instances", "delete", name]:
            return delete(name)
        case ["compute", "instances", "add-metadata", _]:
            # The stand-in's VMs boot from nothing: tests/vm boots with changed metadata.
            return 0
        case ["billing", "budgets", "create"]:
            account = f"billingbudgets.googleapis.com/v1/billingAccounts/{flags['billing-account']}"
            return post(f"{account}/budgets", budget(flags), operations="")
        case ["compute", "ssh", "airflow-ventas", *_] if "tunnel-through-iap" in flags:
            # Without a command it forwards a port.
            return ssh(flags["command"]) if "command" in flags else 0 if after else 2
    print(f"gcloud: the page has a command that the test does not know: {before}", file=sys.stderr)
    return 2


def setting(name: str) -> str:
    """Return what `gcloud config set` stored; the test's shell stores it too, in a file."""
    settings: dict[str, str] = json.loads(Path(os.environ["GCLOUD_SETTINGS"]).read_text())
    return settings[name]


def insert(place: str, kind: str, body: dict[str, Any]) -> int:
    """Ask Compute Engine to make a resource."""
    place = f"{COMPUTE}/{setting('project')}/{place}"
    status = post(f"{place}/{kind}", body, operations=f"{place}/operations")
    if status == 0:
        print(f"Created [{body['name']}].")
    return status


def change(name: str, kind: str, verb: str, body: dict[str, Any]) -> int:
    """Ask Compute Engine to change a resource of the zone."""
    place = f"{COMPUTE}/{setting('project')}/zones/{setting('compute/zone')}"
    return post(f"{place}/{kind}/{name}/{verb}", body, operations=f"{place}/operations")


def delete(name: str) -> int:
    """Ask Compute Engine to delete a VM."""
    place = f"{COMPUTE}/{setting('project')}/zones/{setting('compute/zone')}"
    operations = f"{place}/operations"
    return post(f"{place}/instances/{name}", None, operations=operations, method="DELETE")


def region() -> str:
    """Return the part of a path that names the region of the set zone."""
    return f"regions/{setting('compute/zone').rpartition('-')[0]}"


def enable(service: str) -> int:
    """Ask Google to enable an API."""
    path = f"serviceusage.googleapis.com/v1/projects/{setting('project')}/services/{service}:enable"
    return post(path, {}, operations="serviceusage.googleapis.com/v1/operations")


def post(path: str, body: Any, operations: str, method: str = "POST") -> int:
    """Send a request to Google, and wait for its operation, if any; return the exit status."""
    google = httpx.Client(base_url=os.environ["VENTAS_GOOGLE_ENDPOINT"], timeout=30)
    answer = google.request(method, path, json=body)
    while (
        operations
        and not answer.is_error
        and not {True, "DONE"}
        & {
            answer.json().get("done"),
            answer.json().get("status"),
        }
    ):
        time.sleep(0.1)
        name = answer.json()["name"].rpartition("/")[2]
        answer = google.get(f"{operations}/{name}")
    if answer.is_error or "error" in answer.json():
        print(f"ERROR: (gcloud) {answer.text}", file=sys.stderr)
        return 1
    return 0


def schedule(name: str, flags: dict[str, str]) -> dict[str, Any]:
    """Return the schedule of snapshots of the flags."""
    daily = {"daysInCycle": 1, "startTime": flags["start-time"]}
    kept = {"maxRetentionDays": int(flags["max-retention-days"])}
    return {
        "name": name,
        "snapshotSchedulePolicy": {"schedule": {"dailySchedule": daily}, "retentionPolicy": kept},
    }


def budget(flags: dict[str, str]) -> dict[str, Any]:
    """Return the budget of the flags."""
    return {
        "displayName": flags["display-name"],
        "budgetFilter": {"projects": [flags["filter-projects"]]},
        "amount": {"specifiedAmount": {"units": flags["budget-amount"]}},
        "thresholdRules": [{"thresholdPercent": float(flags["threshold-rule"].split("=")[1])}],
    }


def ssh(command: str) -> int:
    """Run a command in the folder of the VM, with its fakes first on the path."""
    vm_folder, fakes = os.environ["AIRFLOW_VM"], os.environ["FAKES"]
    return subprocess.run(
        ["sh", "-c", command],
        cwd=vm_folder,
        env={**os.environ, "PATH": f"{fakes}:{os.environ['PATH']}", "DESTDIR": f"{vm_folder}/root"},
        check=False,
    ).returncode


if __name__ == "__main__":
    words = sys.argv[1:]
    if words[:2] == ["config", "set"]:
        file = Path(os.environ["GCLOUD_SETTINGS"])
        stored = json.loads(file.read_text()) if file.exists() else {}
        file.write_text(json.dumps({**stored, words[2]: words[3]}))
    raise SystemExit(main(words))
