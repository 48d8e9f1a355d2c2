"""The embedded Airflow: its settings, secrets, connections and components."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.fernet import Fernet

from include.names import (
    DRUID_CONNECTION,
    DRUID_SQL_CONNECTION,
    GOOGLE_CONNECTION,
    KAFKA_CONNECTION,
)
from include.stack import airflow_database, secret_files, security
from include.stack import environment as process_environment
from include.stack.settings import HOST, ROOT, Settings
from include.texts import chosen_language, terminal_text

#: The project, zone and VM that the embedded Compute Engine emulator serves.
PROJECT_ID, ZONE, VM_NAME = "ventas-local", "southamerica-east1-a", "druid-ventas"
USER, VIEWER = "admin", "visita"

#: Path of «Ventas» inside Airflow's own user interface.
PAGE = "/plugin/ventas-vivo"

#: Role and name of the password's secret, by Airflow user. A store owner logs in as the viewer, who
#: may look at everything and change nothing.
_USERS = {USER: ("admin", "password"), VIEWER: ("viewer", "viewer_password")}


#: Arguments of `airflow` by component. Each component is a separate process, because `airflow
#: standalone` would orphan its children on SIGTERM. The log servers are off: they listen on every
#: interface, and here the logs are local files.
COMPONENTS = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}


def command(component: str) -> list[str]:
    """Return the command line of one component."""
    return [sys.executable, "-m", "airflow", *COMPONENTS[component]]


def environment(settings: Settings) -> dict[str, str]:
    """Return the import path, the language and every AIRFLOW variable, secrets included."""
    home = settings.home / "airflow"
    return {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}",
        "VENTAS_LANGUAGE": chosen_language(),
        "VENTAS_REPORTS": f"file://{settings.home}/reports",
        "AIRFLOW_HOME": str(home),
        **{f"AIRFLOW__{key}": value for key, value in _configuration(settings, home).items()},
        **{f"AIRFLOW_CONN_{k.upper()}": json.dumps(v) for k, v in connections(settings).items()},
    }


def connections(settings: Settings) -> dict[str, dict[str, object]]:
    """Return the four connections. Another deployment changes only these, never a DAG."""
    url = urlsplit(security.druid_url(settings))
    druid: dict[str, object] = {"conn_type": "druid", "host": url.hostname, "port": url.port}
    # The provider's two hooks read the authority's file from two different keys.
    ingest_trust, broker_trust = {}, {}
    if login := security.druid_login(settings):
        druid["login"], druid["password"] = login
        ca = str(security.authority(settings).certificate)
        ingest_trust, broker_trust = {"ca_bundle_path": ca}, {"ssl_verify_cert": ca}
    return {
        KAFKA_CONNECTION: {
            "conn_type": "kafka",
            "extra": security.kafka_config(settings, security.AIRFLOW),
        },
        DRUID_CONNECTION: {
            **druid,
            "schema": url.scheme,
            "extra": {"endpoint": "druid/indexer/v1/task", **ingest_trust},
        },
        DRUID_SQL_CONNECTION: {
            **druid,
            "extra": {"endpoint": "druid/v2/sql", "schema": url.scheme, **broker_trust},
        },
        GOOGLE_CONNECTION: {
            "conn_type": "google_cloud_platform",
            "extra": {
                "project": PROJECT_ID,
                "zone": ZONE,
                "instance": VM_NAME,
                "api_endpoint": settings.url("compute"),
                "is_anonymous": True,
            },
        },
    }


def passwords(settings: Settings) -> dict[str, str]:
    """Return the passwords by user; they are made at the first start."""
    own = _secrets(settings.home / "airflow")
    return {user: own[secret] for user, (_, secret) in _USERS.items()}


def password(settings: Settings, user: str = USER) -> str:
    """Return the password of a user; it is made at the first start."""
    return passwords(settings)[user]


def login_text(settings: Settings, user: str, *, always: bool = False) -> str:
    """Return a text with the user and the password, for the person at the console.

    Without `always`, the password is shown only if the output is a terminal: other people may read
    a file or the log of a build.
    """
    shown = always or sys.stdout.isatty()
    secret = password(settings, user) if shown else terminal_text("cli.stack.passwords_command")
    return terminal_text("cli.stack.login", user=user, password=secret)


def migrate_database(settings: Settings, variables: Mapping[str, str]) -> None:
    """Create or upgrade Airflow's database, unless the installed version has already done it.

    Raises:
        subprocess.CalledProcessError: the migration failed; its output is in `stdout`.
        DatabaseError: the PostgreSQL server cannot be used.
    """
    # Importing Airflow instead would read, or create, the user's own configuration.
    installed = f"{version('apache-airflow')} {airflow_database.place(settings)}".rstrip()
    stamp = settings.home / "airflow" / "migrated"
    if airflow_database.create(settings, new=not stamp.exists()):
        stamp.unlink(missing_ok=True)
    if stamp.exists() and stamp.read_text() == installed:
        return
    subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"],
        env={**process_environment.of_stack(settings), **variables},
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    stamp.write_text(installed)


def _configuration(settings: Settings, home: Path) -> dict[str, str]:
    own = _secrets(home)
    passwords_file = home / "passwords.json"
    secret_files.write(passwords_file, json.dumps(passwords(settings)))
    url = settings.url("airflow")
    return {
        "CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__EXECUTOR": "LocalExecutor",
        # LocalExecutor forks this many workers at start.
        "CORE__PARALLELISM": "4",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(
            f"{user}:{role}" for user, (role, _) in _USERS.items()
        ),
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords_file),
        "CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "CORE__FERNET_KEY": own["fernet"],
        "DATABASE__SQL_ALCHEMY_CONN": airflow_database.url(settings),
        "API__HOST": HOST,
        "API__PORT": str(settings.ports["airflow"]),
        "API__BASE_URL": url,
        "API__WORKERS": "1",
        "API__SECRET_KEY": own["api"],
        "API__INSTANCE_NAME": "Ventas",
        "API_AUTH__JWT_SECRET": own["jwt"],
        "LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        # Airflow sets these modes on its log folders and files, whatever the umask.
        "LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS": "0o700",
        "LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS": "0o600",
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        # After a crash of the whole stack, the new scheduler starts before the old one counts as
        # dead. It adopts the old one's tasks at its next check, five minutes later by default.
        "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "30",
        # A restart of the API server must not end a long task: 60 heartbeats x 5 s = 5 minutes.
        "WORKERS__MAX_FAILED_HEARTBEATS": "60",
        # Nor may it fail a task that begins meanwhile: the retries last about a minute, instead of
        # half a minute.
        "WORKERS__EXECUTION_API_RETRIES": "10",
        "WORKERS__EXECUTION_API_RETRY_WAIT_MAX": "8",
        # Airflow's default is for hundreds of waits; this machine is small.
        "TRIGGERER__CAPACITY": "50",
        # This variable is set where there is an OpenTelemetry collector.
        **({"METRICS__OTEL_ON": "True"} if "OTEL_EXPORTER_OTLP_ENDPOINT" in os.environ else {}),
    }


def _secrets(home: Path) -> dict[str, str]:
    """Return this stack's secrets; make those that an older version did not have."""
    return secret_files.kept(
        home / "secrets.json",
        {
            "password": lambda: secrets.token_urlsafe(12),
            "viewer_password": lambda: secrets.token_urlsafe(12),
            "fernet": lambda: Fernet.generate_key().decode(),
            "api": lambda: secrets.token_hex(32),
            "jwt": lambda: secrets.token_hex(32),
        },
    )
