"""The command line of `./ventas cloud`, against the stand-ins behind real addresses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commands import cli
from commands.cloud import costs
from include.cloud import deployment
from tests.support.cloud.confluent import API_KEY, API_SECRET, confluent_cloud
from tests.support.cloud.google import Google, google_cloud


@pytest.fixture
def google(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    """Two clouds, to which the environment's variables lead."""
    monkeypatch.setattr(deployment, "FILE", tmp_path / "terraform.tfvars.json")
    monkeypatch.setenv("VENTAS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VENTAS_LANGUAGE", "en")
    monkeypatch.setenv("COLUMNS", "200")
    with google_cloud() as google, confluent_cloud() as confluent:
        # A test does not wait for what the other tests wait for.
        confluent.cluster_polls = confluent.key_polls = 0
        confluent.bootstrap = "127.0.0.1:1"
        monkeypatch.setenv("VENTAS_GOOGLE_ENDPOINT", google.endpoint)
        monkeypatch.setenv("VENTAS_CONFLUENT_ENDPOINT", confluent.endpoint)
        monkeypatch.setenv("CONFLUENT_CLOUD_API_KEY", API_KEY)
        monkeypatch.setenv("CONFLUENT_CLOUD_API_SECRET", API_SECRET)
        yield google


def test_plan_up_doctor_and_down(google: Google, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cloud", "plan", "--project", "my-project", "--set", "rate=500"]) == 0
    plan = capfd.readouterr().out
    assert "missing      network ventas" in plan
    assert "with 500 events a second" in plan
    assert cli.main(["cloud", "doctor"]) == 1
    assert (
        "The API iam.googleapis.com does not exist in the project yet: run `./ventas"
        in capfd.readouterr().out
    )
    assert cli.main(["cloud", "up"]) == 0
    assert "Making: network ventas" in capfd.readouterr().out
    assert cli.main(["cloud", "doctor", "--druid", "http://127.0.0.1:1"]) == 0
    doctor = capfd.readouterr().out
    assert "ok           network ventas" in doctor
    assert "not checked  login at Druid: Druid does not answer at http://127.0.0.1:1" in doctor
    assert cli.main(["cloud", "down"]) == 0
    down = capfd.readouterr().out
    assert "Removed: network ventas" in down
    assert "stays        bucket my-project-ventas-druid" in down
    assert "USD 25.50 a month" in down
    everything = f"{plan}{doctor}{down}"
    assert (google.secret_value("ventas-druid-admin") or "?") not in everything


def test_costs_follow_from_the_settings_and_an_unknown_price_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VENTAS_LANGUAGE", "en")
    least = costs_of()
    assert "Schema Registry" not in " ".join(least)
    found = costs_of(
        airflow_vm=True, schema_registry=True, cloud_sql=True, data_disk_gb=200, rate=500
    )
    # 220 GiB of pd-ssd, and 720 hours of 4 vCPUs and 16 GiB of n2.
    assert found["disks"] == "56.10"
    vm = 720 * (4 * 0.05018 + 16 * 0.006725)
    assert found["Airflow's VM, always on, without its disk"] == f"{vm:.2f}"
    for name in ("Confluent's Schema Registry", "Cloud SQL", "NAT, traffic and taxes"):
        assert found[name] == "price not known, not included"
    known = [float(it) for name, it in found.items() if it[0].isdigit() and name != "in total"]
    assert float(found["in total"]) == pytest.approx(sum(known), abs=0.03)
    # No source has prices of e2, nor of Hyperdisk.
    assert costs_of(
        airflow_vm=True, airflow_machine_type="e2-standard-4", machine_type="c4-highmem-4"
    )["Airflow's VM, always on, without its disk"].startswith("price not known")


def costs_of(**settings: Any) -> dict[str, str]:
    _, *lines = costs.month(deployment.Deployment(project="my-project", **settings))
    return dict(line.strip().rsplit(": ", 1) for line in lines)


@pytest.mark.usefixtures("google")
@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["up"], "run `./ventas cloud plan --project PROJECT`"),
        (["plan", "--set", "speed=1"], "no variable speed"),
        (["plan", "--project", "other-project"], "Permission"),
    ],
)
def test_refusal_is_one_sentence(
    capfd: pytest.CaptureFixture[str], arguments: list[str], part: str
) -> None:
    assert cli.main(["cloud", *arguments]) == 1
    error = capfd.readouterr().err
    assert error.startswith("ventas: ")
    assert part in error
    assert error.count("\n") == 1


@pytest.mark.usefixtures("google")
@pytest.mark.parametrize("typed", [[], ["--yes-delete", "another-project"]])
def test_data_are_deleted_only_if_the_project_is_typed(
    capfd: pytest.CaptureFixture[str], typed: list[str]
) -> None:
    assert cli.main(["cloud", "plan", "--project", "my-project"]) == 0
    assert cli.main(["cloud", "down", "--delete-data", *typed]) == 1
    assert "add `--yes-delete my-project`" in capfd.readouterr().err


@pytest.mark.usefixtures("google")
def test_restore_and_rotate_name_what_is_missing(capfd: pytest.CaptureFixture[str]) -> None:
    cli.main(["cloud", "plan", "--project", "my-project"])
    assert cli.main(["cloud", "restore", "--snapshot", "monday"]) == 1
    assert "The snapshot monday does not exist" in capfd.readouterr().err
    assert cli.main(["cloud", "rotate"]) == 1
    assert "first open a window" in capfd.readouterr().err


@pytest.mark.parametrize("action", ["plan", "doctor", "up", "rotate", "restore", "down"])
def test_help_explains_each_action(action: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["cloud", action, "--help"])
    assert len(capfd.readouterr().out.split()) > 20
