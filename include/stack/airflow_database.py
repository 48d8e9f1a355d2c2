"""Airflow's database: a SQLite file in the stack's folder, or a database on a PostgreSQL server.

VENTAS_AIRFLOW_DATABASE names the server. Each stack has a database of its own there, whose name
follows from the stack's folder: `up` makes it, `down` leaves it, and `clean` drops it.
"""

import hashlib
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from include.stack.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import URL

#: Airflow connects with both: the first in most of its code, the second in asynchronous code.
_DRIVERS: Final = ("psycopg2", "asyncpg")


#: Seconds that a writer waits for SQLite's lock, instead of the driver's 5. Our client of Airflow's
#: API waits 30 s for an answer.
_LOCK_SECONDS: Final = 25


class DatabaseError(RuntimeError):
    """The PostgreSQL server cannot be used; the message says why and what to do."""


def url(settings: Settings) -> str:
    """Return SQLAlchemy's URL of the stack's database, with the login."""
    if not settings.airflow_database:
        return f"sqlite:///{settings.home / 'airflow' / 'airflow.db'}?timeout={_LOCK_SECONDS}"
    return _server(settings, _name(settings)).render_as_string(hide_password=False)


def place(settings: Settings) -> str:
    """Return the URL of the stack's database on a server, without password; "" for SQLite."""
    return str(_server(settings, _name(settings))) if settings.airflow_database else ""


def create(settings: Settings, *, new: bool) -> bool:
    """Make the database on the server, and return whether it was missing; SQLite makes its own.

    `new` drops the database that an earlier stack in the same folder left, if its folder was
    deleted without `clean`.
    """
    if not settings.airflow_database:
        return False
    if new:
        _drop(settings)
    known = "SELECT count(*) FROM pg_database WHERE datname = :name"
    if _execute(settings, known, name=_name(settings)):
        return False
    # Not the server's own locale, which may have another encoding.
    unicode = "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"
    _execute(settings, f"CREATE DATABASE {_name(settings)} {unicode}")
    return True


def drop(settings: Settings) -> None:
    """Delete the database on the server; a folder in which no Airflow has started has none."""
    if settings.airflow_database and (settings.home / "airflow").exists():
        _drop(settings)


def size(settings: Settings) -> int:
    """Return the database's bytes on the server; 0 for SQLite, whose file is in the folder."""
    if not settings.airflow_database:
        return 0
    return int(_execute(settings, f"SELECT pg_database_size('{_name(settings)}')"))


def _drop(settings: Settings) -> None:
    _execute(settings, f"DROP DATABASE IF EXISTS {_name(settings)} WITH (FORCE)")


def _name(settings: Settings) -> str:
    return f"ventas_{hashlib.sha256(bytes(settings.home)).hexdigest()[:16]}"


def _server(settings: Settings, database: str) -> "URL":
    # SQLAlchemy takes a third of a second to import, which most commands do not need.
    from sqlalchemy import make_url

    server = make_url(settings.airflow_database)
    return server.set(drivername=f"postgresql+{_DRIVERS[0]}", database=database)


def _execute(settings: Settings, statement: str, **values: str) -> Any:
    """Run a statement in the server's own database; return the first value of its result."""
    from sqlalchemy import create_engine, make_url, text
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    if missing := [driver for driver in _DRIVERS if not find_spec(driver)]:
        raise DatabaseError(
            f"Airflow needs the Python package {missing[0]} for PostgreSQL: run `.venv/bin/uv pip "
            "install --require-hashes -r requirements-postgresql.txt`, or unset "
            "VENTAS_AIRFLOW_DATABASE."
        )
    engine = create_engine(
        _server(settings, "postgres"),
        isolation_level="AUTOCOMMIT",
        poolclass=NullPool,
        connect_args={"connect_timeout": 10},
    )
    try:
        with engine.connect() as connection:
            result = connection.execute(text(statement), values)
            return result.scalar() if result.returns_rows else None
    except SQLAlchemyError as error:
        # The first line is the server's or the driver's own sentence. SQLAlchemy adds a statement.
        why = str(getattr(error, "orig", error)).partition("\n")[0]
        raise DatabaseError(
            f"PostgreSQL at {make_url(settings.airflow_database)} cannot be used ({why}): start "
            "the server, or correct or unset VENTAS_AIRFLOW_DATABASE."
        ) from None
