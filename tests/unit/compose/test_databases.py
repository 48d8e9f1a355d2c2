"""PostgreSQL's users and databases, made by the Compose file's script on a real PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.postgres import USER, running, tools

#: Value of each variable that the script reads. One has a quote, which ends a string in SQL.
PASSWORDS = {"AIRFLOW_DATABASE_PASSWORD": "a'irflow", "DRUID_DATABASE_PASSWORD": "druid"}


class Postgres:
    """A server that has run the script."""

    def __init__(self, port: int) -> None:
        self._port = port

    def psql(
        self, user: str, password: str, database: str, script: str, *options: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a script with `psql`, with the options of the image's entry point."""
        address = ["--host=127.0.0.1", f"--port={self._port}", f"--username={user}"]
        return subprocess.run(
            ["psql", *address, "--no-psqlrc", "-v", "ON_ERROR_STOP=1", "-At", *options, database],
            input=script,
            env={"PATH": os.environ["PATH"], "PGPASSWORD": password, **PASSWORDS},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture(scope="module")
def postgres(
    compose: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Postgres]:
    if not tools() or not shutil.which("psql"):
        pytest.skip("PostgreSQL is not installed (Debian package postgresql)")
    folder = tmp_path_factory.mktemp("postgres")
    if os.geteuid() == 0:
        # Only root can enter pytest's folders.
        folder = Path(f"/tmp/ventas-postgres-{os.getpid()}")  # noqa: S108 - mode 0700, below
        folder.mkdir(mode=0o700)
    try:
        # Without fsync.
        with running(folder, "superuser", "-F") as port:
            server = Postgres(port)
            script = compose["configs"]["postgres-roles"]["content"]
            made = server.psql(USER, "superuser", "postgres", script)
            assert (made.returncode, made.stderr) == (0, "")
            yield server
    finally:
        shutil.rmtree(folder)


OWNERS = [
    ("airflow", PASSWORDS["AIRFLOW_DATABASE_PASSWORD"], "druid"),
    ("druid", PASSWORDS["DRUID_DATABASE_PASSWORD"], "airflow"),
]


@pytest.mark.parametrize(("user", "password", "other"), OWNERS)
def test_a_user_can_make_and_read_tables_in_its_own_database(
    postgres: Postgres, user: str, password: str, other: str
) -> None:
    script = "CREATE TABLE t (n int); INSERT INTO t VALUES (7); SELECT n FROM t; DROP TABLE t;"
    done = postgres.psql(user, password, user, script, "--quiet")
    assert (done.stdout, done.stderr) == ("7\n", "")


@pytest.mark.parametrize(("user", "password", "other"), OWNERS)
def test_a_user_cannot_enter_any_other_database(
    postgres: Postgres, user: str, password: str, other: str
) -> None:
    for database in (other, "postgres", "template1"):
        done = postgres.psql(user, password, database, "SELECT 1")
        assert done.returncode == 2
        assert f'permission denied for database "{database}"' in done.stderr


@pytest.mark.parametrize(("user", "password", "other"), OWNERS)
def test_a_user_cannot_become_the_other_or_the_superuser(
    postgres: Postgres, user: str, password: str, other: str
) -> None:
    for role in (other, "postgres"):
        done = postgres.psql(user, password, user, f"SET ROLE {role}")
        assert "permission denied to set role" in done.stderr
    copied = postgres.psql(user, password, user, "COPY (SELECT 1) TO PROGRAM 'cat'")
    assert "to COPY to or from an external program" in copied.stderr


def test_password_of_one_user_does_not_open_the_other_account(postgres: Postgres) -> None:
    done = postgres.psql("airflow", PASSWORDS["DRUID_DATABASE_PASSWORD"], "airflow", "SELECT 1")
    assert "password authentication failed" in done.stderr


def test_airflow_and_druid_log_in_as_the_users_of_the_script(
    services: dict[str, Any],
) -> None:
    airflow = services["airflow-scheduler"]["environment"]["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    password = "${AIRFLOW_DATABASE_PASSWORD:?set it in .env}"
    assert airflow == f"postgresql+psycopg2://airflow:{password}@postgres:5432/airflow"
    druid = services["druid-coordinator"]["environment"]
    assert druid["druid_metadata_storage_connector_user"] == "druid"
    assert druid["druid_metadata_storage_connector_connectURI"].endswith("/postgres:5432/druid")
    given = services["postgres"]["environment"]
    assert {name: given[name] for name in PASSWORDS} == {
        name: f"${{{name}:?set it in .env}}" for name in PASSWORDS
    }


def test_only_postgres_has_the_password_of_the_superuser(services: dict[str, Any]) -> None:
    having = {
        name
        for name, service in services.items()
        if "${POSTGRES_PASSWORD" in str(service.get("environment"))
    }
    assert having == {"postgres"}
