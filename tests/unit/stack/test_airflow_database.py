"""Where Airflow's database is, and the errors of a PostgreSQL server that cannot be used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url

from include.stack import airflow, airflow_database
from include.stack.airflow_database import DatabaseError
from include.stack.ports import free_ports
from include.stack.settings import Settings, SettingsError

VARIABLE = "VENTAS_AIRFLOW_DATABASE"
SERVER = "postgresql://sales:s%24cret@127.0.0.1:5433"


def settings_of(home: Path, server: str = SERVER) -> Settings:
    return Settings.from_environment({"VENTAS_HOME": str(home), VARIABLE: server})


def test_without_a_server_the_database_is_a_file_of_the_stack(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "")
    assert make_url(airflow_database.url(settings)).database == f"{tmp_path}/airflow/airflow.db"
    assert airflow_database.place(settings) == ""
    assert not airflow_database.create(settings, new=True)
    airflow_database.drop(settings)
    assert airflow_database.size(settings) == 0


def test_writer_waits_for_the_locked_file_longer_than_the_driver_does(tmp_path: Path) -> None:
    (tmp_path / "airflow").mkdir()
    engine = create_engine(airflow_database.url(settings_of(tmp_path, "")))
    with engine.connect() as connection:
        milliseconds = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
    assert milliseconds == 25_000


def test_database_on_a_server_has_the_server_login_and_a_name_by_folder(tmp_path: Path) -> None:
    databases = set()
    for folder in ("a", "b"):
        url = make_url(airflow_database.url(settings_of(tmp_path / folder)))
        assert (url.drivername, url.host, url.port) == ("postgresql+psycopg2", "127.0.0.1", 5433)
        assert (url.username, url.password) == ("sales", "s$cret")
        databases.add(url.database)
    assert len(databases) == 2
    moved = replace(settings_of(tmp_path / "a"), ports={})
    assert make_url(airflow_database.url(moved)).database in databases


def test_airflow_gets_the_server_with_a_password_that_it_does_not_expand(tmp_path: Path) -> None:
    url = airflow.environment(settings_of(tmp_path))["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    assert url.startswith("postgresql+psycopg2://sales:s%24cret@127.0.0.1:5433/ventas_")


def test_socket_of_a_server_stays_in_the_url(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "postgresql://sales@/?host=/run/postgresql")
    assert make_url(airflow_database.url(settings)).query == {"host": "/run/postgresql"}


@pytest.mark.parametrize(
    "server",
    [
        *("postgresql://a:secret@10.0.0.9", "postgresql://a:secret@127.0.0.1.example.org:5432"),
        *("postgresql://a:secret@127.0.0.1/airflow", "mysql://a:secret@127.0.0.1", "secret"),
        *("postgresql://127.0.0.1:5432", "postgresql://a:$secret@127.0.0.1"),
        *("postgresql://a:secret@127.0.0.1/?host=10.0.0.9", "postgresql://a:secret@/?host=x"),
        "postgresql://a:secret@127.0.0.1:5432\n",
    ],
)
def test_server_elsewhere_or_a_database_is_refused_without_the_password(
    server: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=f"{VARIABLE} must be postgresql://USER") as refused:
        settings_of(tmp_path, server)
    assert "secret" not in str(refused.value)


def test_settings_do_not_show_the_password(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    assert "s%24cret" not in f"{settings!r} {airflow_database.place(settings)}"


@pytest.mark.parametrize("driver", ["psycopg2", "asyncpg"])
def test_missing_driver_is_one_sentence_with_the_command_that_installs_it(
    driver: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(airflow_database, "find_spec", lambda name: name != driver or None)
    with pytest.raises(DatabaseError, match=rf"package {driver} for .* requirements-postgresql\.t"):
        airflow_database.create(settings_of(tmp_path), new=False)


def test_folder_without_airflow_is_cleaned_without_the_server(tmp_path: Path) -> None:
    airflow_database.drop(settings_of(tmp_path))


needs_drivers = pytest.mark.skipif(
    not find_spec("psycopg2") or not find_spec("asyncpg"),
    reason=f"PostgreSQL's drivers are not installed; they are with {VARIABLE}",
)


@needs_drivers
def test_server_that_does_not_answer_is_one_sentence_without_the_password(tmp_path: Path) -> None:
    [port] = free_ports(1)
    settings = settings_of(tmp_path, f"postgresql://sales:s%24cret@127.0.0.1:{port}")
    with pytest.raises(DatabaseError, match=r"refused\): start the server") as refused:
        airflow_database.create(settings, new=False)
    text = str(refused.value)
    assert text.startswith(f"PostgreSQL at postgresql://sales:***@127.0.0.1:{port} cannot be used")
    assert len(text.splitlines()) == 1
    assert "cret" not in text


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Settings]:
    """A stack on the server that the variable names."""
    if not os.environ.get(VARIABLE):
        pytest.skip(f"needs {VARIABLE}")
    settings = settings_of(tmp_path / "stack", os.environ[VARIABLE])
    (settings.home / "airflow").mkdir(parents=True)
    yield settings
    airflow_database.drop(settings)


@needs_drivers
def test_database_is_made_once_and_a_new_stack_drops_the_one_before(stack: Settings) -> None:
    assert airflow_database.create(stack, new=True)
    assert not airflow_database.create(stack, new=False)
    assert airflow_database.size(stack) > 1_000_000
    assert airflow_database.create(stack, new=True)
    airflow_database.drop(stack)
    assert airflow_database.create(stack, new=False)
