"""The files in `deploy/` for the places where Airflow runs, read by the tools that use them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import google.auth
import pytest
import yaml
from airflow.configuration import retrieve_configuration_description
from airflow.providers.google.cloud.secrets.secret_manager import CloudSecretManagerBackend
from google.auth import identity_pool

from commands import image_locks
from include.stack.airflow import COMPONENTS
from include.stack.settings import ROOT

DEPLOY = ROOT / "deploy"
UNITS = DEPLOY / "systemd"
VALUES: dict[str, Any] = yaml.safe_load((DEPLOY / "helm/values.yaml").read_text(encoding="utf-8"))

#: Keys of the chart's values.schema.json, in the objects that our values change.
CHART: dict[str, str] = json.loads(Path(__file__).with_name("airflow-chart.json").read_bytes())[
    "keys"
]


def environment(name: str) -> dict[str, str]:
    """Return the variables of a file of systemd's format."""
    lines = (UNITS / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def unknown(values: dict[str, Any], path: str = "") -> list[str]:
    """Return the keys that the chart does not have; objects without listed keys take any."""
    found = []
    for key, value in values.items():
        inner = f"{path}.{key}" if path else key
        if key not in CHART[path].split():
            found.append(inner)
        elif isinstance(value, dict) and inner in CHART:
            found += unknown(value, inner)
    return found


def options() -> set[tuple[str, str]]:
    """Return section and name of each setting of Airflow and of its installed providers."""
    known = retrieve_configuration_description(include_providers=True)
    return {(section, name) for section, body in known.items() for name in body["options"]}


def test_chart_has_every_key_of_the_values() -> None:
    assert unknown(VALUES) == []
    assert unknown({"workers": {"kubernetes": {"safeToEvit": False}}, "executer": ""}) == [
        "workers.kubernetes.safeToEvit",
        "executer",
    ]


def test_airflow_has_every_setting_of_the_values_and_of_the_units() -> None:
    of_chart = {(section, name) for section, body in VALUES["config"].items() for name in body}
    of_units = {
        tuple(name.lower().removeprefix("airflow__").split("__"))
        for name in environment("airflow.env")
        if name.startswith("AIRFLOW__")
    }
    assert len(of_units) > 10
    assert of_chart | of_units <= options()


@pytest.mark.parametrize(
    "given",
    [
        VALUES["config"]["secrets"]["backend_kwargs"],
        environment("airflow.env")["AIRFLOW__SECRETS__BACKEND_KWARGS"],
    ],
)
def test_secrets_backend_takes_its_settings(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = json.loads(given)
    account = f"ventas-airflow@{settings['project_id']}.iam.gserviceaccount.com"
    assert settings["impersonation_chain"] == account
    # With the credentials of a person or a workload, here none.
    anonymous = google.auth.credentials.AnonymousCredentials()
    monkeypatch.setattr(
        "airflow.providers.google.cloud.secrets.secret_manager.get_credentials_and_project_id",
        lambda **_: (anonymous, settings["project_id"]),
    )
    backend = CloudSecretManagerBackend(**settings)
    assert (backend.connections_prefix, backend.sep) == ("airflow-connections", "-")


def test_pod_of_a_task_is_not_evicted_and_may_end_its_transaction() -> None:
    pods = VALUES["workers"]["kubernetes"]
    assert VALUES["executor"] == "KubernetesExecutor"
    assert pods["safeToEvict"] is False
    assert pods["terminationGracePeriodSeconds"] >= 30
    # Kubernetes evicts first the pods that use more memory than they asked for.
    assert pods["resources"]["requests"]["memory"] == "512Mi"


def test_chart_and_image_have_the_version_of_the_lock() -> None:
    locked = re.search(
        r"^apache-airflow==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE
    )
    assert locked is not None
    assert VALUES["airflowVersion"] == VALUES["defaultAirflowTag"] == locked[1]
    runtime = (DEPLOY / "astronomer/Dockerfile").read_text(encoding="utf-8")
    assert f"runtime:{locked[1].rpartition('.')[0]}-" in runtime


def verified(folder: Path) -> str:
    """Return what `systemd-analyze verify` says of the units, with programs that exist here."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed (Debian package systemd)")
    shutil.copytree(UNITS, folder)
    for file in (*folder.rglob("*.service"), *folder.rglob("*.conf")):
        text = re.sub(r"/\S+/bin/(airflow|gcloud)\b", "/bin/true", file.read_text())
        file.write_text(text)
    units = ["ventas-airflow.target", "ventas-tunnel.service"]
    units += [f"ventas-airflow@{component}.service" for component in COMPONENTS]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        env={"PATH": "/usr/bin:/bin", "SYSTEMD_UNIT_PATH": f"{folder}:"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    assert verified(tmp_path / "units") == ""


def test_target_starts_every_component_with_the_options_of_the_embedded_stack() -> None:
    target = (UNITS / "ventas-airflow.target").read_text(encoding="utf-8")
    assert set(re.findall(r"ventas-airflow@([\w-]+)\.service", target)) == set(COMPONENTS)
    for component, (_, *flags) in COMPONENTS.items():
        own = UNITS / f"ventas-airflow@{component}.service.d/no-log-server.conf"
        text = (own if own.exists() else UNITS / "ventas-airflow@.service").read_text("utf-8")
        started = re.findall(r"^ExecStart=(\S+.*)$", text, re.MULTILINE)
        assert started == [" ".join(["/srv/ventas/.venv/bin/airflow", "%i", *flags])]


def test_units_listen_only_on_this_machine() -> None:
    assert environment("airflow.env")["AIRFLOW__API__HOST"] == "127.0.0.1"
    tunnel = (UNITS / "ventas-tunnel.service").read_text(encoding="utf-8")
    assert "--local-host-port=127.0.0.1:8888" in tunnel
    assert set(re.findall(r"\$\{(\w+)\}", tunnel)) <= environment("tunnel.env").keys()


def test_credential_configuration_is_one_of_a_workload_without_a_key() -> None:
    """Google's own library reads the file; it asks Google for a token only when one is needed."""
    file = DEPLOY / "identity/credential-configuration.json"
    credentials = identity_pool.Credentials.from_file(str(file))
    account = "ventas-airflow@my-project.iam.gserviceaccount.com"
    assert credentials.service_account_email == account
    assert "private" not in file.read_text(encoding="utf-8")


def test_astro_project_has_the_four_folders_and_the_lists(tmp_path: Path) -> None:
    project = tmp_path / "astro"
    (project / "dags").mkdir(parents=True)
    (project / "dags/exampledag.py").write_text("from airflow.sdk import dag")
    for _ in range(2):
        subprocess.run([DEPLOY / "astronomer/assemble.sh", project], cwd=tmp_path, check=True)
    assert {path.name for path in project.iterdir()} == {
        *("dags", "plugins", "include", "texts"),
        *("Dockerfile", "packages.txt", "requirements.txt"),
    }
    assert not (project / "dags/exampledag.py").exists()
    assert not list(project.rglob("__pycache__"))
    assert (project / "requirements.txt").read_text() == image_locks.files()[
        DEPLOY / "astronomer/requirements.txt"
    ]


def test_login_admits_only_addresses_of_the_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    # The FAB provider is not among the project's packages.
    monkeypatch.setitem(sys.modules, "flask_appbuilder", ModuleType("flask_appbuilder"))
    monkeypatch.setitem(sys.modules, "flask_appbuilder.const", SimpleNamespace(AUTH_OAUTH=4))
    for name in ("DOMAIN", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"VENTAS_LOGIN_{name}", "example.com")
    found: dict[str, Any] = {}
    file = DEPLOY / "login/webserver_config.py"
    exec(compile(file.read_text(encoding="utf-8"), file, "exec"), found)  # noqa: S102
    (provider,) = found["OAUTH_PROVIDERS"]
    (pattern,) = provider["whitelist"]
    # FAB appends `$` to each pattern and searches the address for it.
    assert re.search(f"{pattern}$", "ana@example.com")
    assert not re.search(f"{pattern}$", "ana@example.com.evil.org")
    assert not re.search(f"{pattern}$", "ana@an-example.com")
