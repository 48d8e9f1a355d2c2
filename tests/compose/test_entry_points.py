"""The entry points of Druid's and Airflow's images, run with the Compose file's variables.

The scripts are not part of this project, and no package that it installs has them. Put them into a
folder and name it in VENTAS_ENTRY_POINTS; without it these tests are skipped. Java and Airflow
are stubs that say how they were called.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from include.druid import container, runtime
from include.stack.airflow import COMPONENTS
from include.stack.settings import ROOT
from tests.unit.compose.projects import project

#: File name of each script, and where its project keeps it at the image's version.
SOURCES = {
    "druid.sh": "apache/druid, distribution/docker/druid.sh",
    "entrypoint_prod.sh": "apache/airflow, scripts/docker/entrypoint_prod.sh",
}

#: Folder of each service's own settings in Druid's image.
DRUID_FOLDERS = {
    "coordinator": "master/coordinator-overlord",
    "broker": "query/broker",
    "historical": "data/historical",
    "indexer": "data/indexer",
    "router": "query/router",
}


def entry_point(name: str) -> str:
    file = Path(os.environ.get("VENTAS_ENTRY_POINTS", "")) / name
    if "VENTAS_ENTRY_POINTS" not in os.environ or not file.exists():
        pytest.skip(f"VENTAS_ENTRY_POINTS names no folder with {name} ({SOURCES[name]})")
    return file.read_text(encoding="utf-8")


def stub(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def run(script: str, folder: Path, *arguments: str, **variables: str) -> list[str]:
    """Run a script in the folder with its stubs first on the path; return what they recorded."""
    file = folder / "entry-point.sh"
    file.write_text(script)
    done = subprocess.run(
        ["bash", file, *arguments],
        cwd=folder,
        env={
            **variables,
            "PATH": f"{folder / 'bin'}:{Path(sys.executable).parent}:/usr/bin:/bin",
            "RECORD": str(folder / "record"),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return (folder / "record").read_text().splitlines()


def properties(*files: Path) -> dict[str, str]:
    lines = [line for file in files for line in file.read_text().splitlines() if "=" in line]
    assert len(lines) == len({line.partition("=")[0] for line in lines})
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize("service", runtime.SERVICES)
def test_entry_point_gives_druid_the_rendered_properties_and_memory(
    service: str, tmp_path: Path
) -> None:
    # The image's folder, and the folder to which the script copies the configuration.
    script = entry_point("druid.sh")
    moved = script.replace("/opt/druid", str(tmp_path)).replace("/tmp/conf", f"{tmp_path}/copy")  # noqa: S108
    image = tmp_path / "conf/druid/cluster"
    own, common = image / DRUID_FOLDERS[service], image / "_common"
    for place in (own, common):
        place.mkdir(parents=True)
    (own / "runtime.properties").write_text("druid.service=of the image\n")
    (own / "jvm.config").write_text("-server\n-Xms12g\n-Xmx12g\n-XX:MaxDirectMemorySize=12g\n")
    (common / "common.runtime.properties").write_text("druid.zk.service.host=of the image\n")
    shutil.copy(ROOT / "include/druid/log4j2.xml", common)
    for name in ("run-java", "java"):
        stub(tmp_path / "bin" / name, 'printf "%s\\n" "$@" >"$RECORD"')

    given: dict[str, Any] = project()["services"][f"druid-{service}"]
    variables = {
        name: value.replace("/opt/druid", str(tmp_path)) if name.startswith("DRUID_") else value
        for name, value in given["environment"].items()
    }
    called = run(moved, tmp_path, *given["command"], **variables)

    copied = tmp_path / "copy/druid/cluster"
    found = properties(
        copied / DRUID_FOLDERS[service] / "runtime.properties",
        copied / "_common/common.runtime.properties",
    )
    rendered = container.environment(service)
    assert found == {
        name.replace("_", "."): value
        for name, value in rendered.items()
        if name.startswith("druid_")
    }
    assert [it for it in called if it.startswith(("-Xm", "-XX:MaxDirect"))] == [
        f"-Xmx{rendered['DRUID_XMX']}",
        f"-Xms{rendered['DRUID_XMS']}",
        f"-XX:MaxDirectMemorySize={rendered['DRUID_MAXDIRECTMEMORYSIZE']}",
    ]
    assert called[-3:] == ["org.apache.druid.cli.Main", "server", service]
    assert (tmp_path / "var/tmp").is_dir()


@pytest.mark.parametrize("name", ["init", *COMPONENTS])
def test_entry_point_of_airflow_checks_the_database_and_starts_the_component(
    name: str, tmp_path: Path
) -> None:
    script = entry_point("entrypoint_prod.sh")
    # User and group of the image's user `airflow`.
    stub(tmp_path / "bin/id", '[ "$1" = -g ] && echo 0 || echo 50000')
    stub(tmp_path / "bin/airflow", 'echo "$*" >>"$RECORD"')
    given: dict[str, Any] = project()["services"][f"airflow-{name}"]
    secrets = {"ADMIN_PASSWORD": "a", "VIEWER_PASSWORD": "b"}
    passwords = "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"
    variables = {
        **given["environment"],
        **secrets,
        passwords: str(tmp_path / "passwords.json"),
        # The image sets it; the script uses it if the tests run as root.
        "AIRFLOW_USER_HOME_DIR": str(tmp_path),
    }
    variables.pop("PYTHONPATH")
    command = [word.replace("$$", "$") for word in given["command"]]
    called = run(script, tmp_path, *command, **variables)
    started = ("db", "migrate") if name == "init" else COMPONENTS[name]
    assert called[-1] == " ".join(started)
    assert name == "init" or called[0] == "db check"
