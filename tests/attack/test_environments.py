"""Hostile environments: settings of another Airflow, Java or Python, a web proxy, odd paths.

One stack starts with all variables of `VARIABLES` at once; where the system has user namespaces,
also with a user id that has no account, and without HOME. Its processes and files are then checked.
Each row is also tested alone with a command that starts nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple

import psutil
import pytest
from confluent_kafka.admin import AdminClient

from include.stack import airflow, supervision
from include.stack import stack as embedded
from include.stack.airflow_api import AirflowApi
from include.stack.folder import MARKER
from include.stack.ports import free_ports
from include.stack.processes import VM_GROUPS
from include.stack.settings import DEFAULT_PORTS, ROOT, Settings, port_variable
from tests.conftest import stack_settings
from tests.support.scan import modes_in, open_to_others

#: Placeholders for the folder with the hostile files, and for the proxy's address.
TRAP, PROXY = "{trap}", "{proxy}"

#: Hostile variables by name of the attack. No process of the stack may have any of them.
VARIABLES: Final[dict[str, dict[str, str]]] = {
    "web-proxy": dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), PROXY),
    "web-proxy-in-lower-case": dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), PROXY),
    "airflow-home": {"AIRFLOW_HOME": f"{TRAP}/airflow", "AIRFLOW_CONFIG": f"{TRAP}/airflow.cfg"},
    "airflow-settings": {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{TRAP}/airflow.db",
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "trap.hostname",
    },
    "airflow-connections": {
        "AIRFLOW_CONN_KAFKA_OTHER": "kafka://trap.example",
        "AIRFLOW_VAR_TRAP": "trap",
    },
    "java-options": {"_JAVA_OPTIONS": "-Xmx1k"},
    "java-tool-options": {"JAVA_TOOL_OPTIONS": f"-javaagent:{TRAP}/agent.jar"},
    "java-launcher-options": {"JDK_JAVA_OPTIONS": "--version"},
    "another-java": {"JAVA_HOME": f"{TRAP}/java", "CLASSPATH": f"{TRAP}/classes"},
    "kafka-options": {"KAFKA_OPTS": "-Dtrap=kafka", "KAFKA_HEAP_OPTS": "-Xmx1m"},
    "another-python": {"PYTHONHOME": f"{TRAP}/python", "PYTHONUSERBASE": f"{TRAP}/user"},
    "python-code": {
        "PYTHONPATH": f"{TRAP}/modules",
        "PYTHONSTARTUP": f"{TRAP}/modules/sitecustomize.py",
    },
    "python-switches": {
        "PYTHONIOENCODING": "ascii",
        "PYTHONWARNINGS": "error::UserWarning",
        "PYTHONUTF8": "0",
        "PYTHONOPTIMIZE": "2",
    },
    "pip": {"PIP_TARGET": f"{TRAP}/pip", "PIP_REQUIRE_VIRTUALENV": "1", "PIP_USER": "yes"},
    "uv": {"UV_CONFIG_FILE": f"{TRAP}/uv.toml", "UV_PYTHON": f"{TRAP}/bin/python"},
    "virtual-environment": {"VIRTUAL_ENV": f"{TRAP}/venv", "VIRTUAL_ENV_PROMPT": "trap"},
    "conda": {"CONDA_PREFIX": f"{TRAP}/conda", "CONDA_DEFAULT_ENV": "trap", "CONDA_SHLVL": "1"},
    "preloaded-library": {"LD_PRELOAD": f"{TRAP}/library.so", "LD_AUDIT": f"{TRAP}/audit.so"},
    "language": {"LC_ALL": "C", "LANG": "tlh_QO.ISO-8859-5", "LANGUAGE": "tlh"},
    "time-zone": {"TZ": "Mars/Olympus_Mons"},
    "certificates": dict.fromkeys(
        ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), f"{TRAP}/ca.pem"
    ),
    "logins": {
        "NETRC": f"{TRAP}/netrc",
        "GOOGLE_APPLICATION_CREDENTIALS": f"{TRAP}/google.json",
        "SSLKEYLOGFILE": f"{TRAP}/keys.log",
    },
    "search-path-of-folders": {"CDPATH": f"{TRAP}:/", "BASH_ENV": f"{TRAP}/bash_env"},
}

#: Odd variables that processes keep: the user decides where programs and temporary files are.
KEPT: Final[dict[str, dict[str, str]]] = {
    "no-folder-for-temporary-files": {"TMPDIR": f"{TRAP}/missing/tmp"},
    "minimal-path": {"PATH": "/usr/bin:/bin"},
}

#: Command prefix that gives a user id without an account, in a namespace where it owns our files.
NOBODY: Final = ("unshare", "--user", "--map-user=54321", "--map-group=54321", "--")


class Attack(NamedTuple):
    """A folder with hostile files, a recording web proxy, and a way to run `./ventas` with them."""

    folder: Path
    proxy: str
    arrived: list[bytes]
    """Data that was sent to the proxy."""

    @property
    def trap(self) -> Path:
        """The folder that hostile variables point to."""
        return self.folder / "trap"

    def filled(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Return the variables with this attack's folder and proxy in place of the placeholders."""
        return {
            name: value.replace(TRAP, str(self.trap)).replace(PROXY, self.proxy)
            for name, value in variables.items()
        }

    def ventas(
        self,
        *arguments: str,
        hostile: Mapping[str, str],
        run_by: Sequence[str] = (),
        umask: int = 0o022,
        **variables: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run `./ventas` in the folder ``/``, with only PATH, HOME (not with `run_by`), `variables`
        and `hostile` in its environment.
        """
        program = str(ROOT / "ventas")
        kept = {"PATH": os.environ["PATH"], "HOME": str(self.folder / "user")}
        environment = {**kept, **variables, **self.filled(hostile)}
        if run_by:
            del environment["HOME"]
        return subprocess.run(
            # `env` sets the variables, so that `run_by`, which changes the user, does not get them.
            [*run_by, "env", *(f"{k}={v}" for k, v in environment.items()), program, *arguments],
            cwd="/",
            env={"PATH": os.environ["PATH"]},
            umask=umask,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )


def as_nobody() -> Sequence[str]:
    """Return the prefix that gives a user id without an account, () if the system cannot do it."""
    if not shutil.which("unshare"):
        return ()
    return NOBODY if subprocess.run([*NOBODY, "true"], check=False).returncode == 0 else ()


@pytest.fixture(scope="module")
def attack() -> Iterator[Attack]:
    # Not pytest's folder, which is too long: a unix socket's path has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="v-"))
    modules = folder / "trap" / "modules"
    modules.mkdir(parents=True)
    (folder / "user").mkdir()
    ran = f"open({str(folder / 'trap' / 'ran')!r}, 'a').write(__file__)\n"
    for name in ("sitecustomize", "usercustomize", "trap", "json", "include", "supervisor"):
        (modules / f"{name}.py").write_text(ran)
    (folder / "trap" / "bash_env").write_text(f"echo bash >> '{folder}/trap/ran'\n")
    arrived: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_record, args=(server, arrived), daemon=True).start()
        yield Attack(folder, f"http://127.0.0.1:{server.getsockname()[1]}", arrived)
        # A closed socket does not wake the thread that waits for a connection.
        server.shutdown(socket.SHUT_RDWR)
    shutil.rmtree(folder)


def _record(server: socket.socket, arrived: list[bytes]) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(5)
            try:
                arrived.append(connection.recv(4096))
            except OSError as error:
                arrived.append(repr(error).encode())


class Hostile(NamedTuple):
    """A stack that was started with all hostile variables at once."""

    attack: Attack
    settings: Settings
    variables: dict[str, str]
    """Variables that its commands need: folder and ports."""
    run_by: Sequence[str]

    def ventas(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of this stack with the same hostile variables."""
        rows = [*VARIABLES.values(), *KEPT.values()]
        return self.attack.ventas(
            *arguments,
            hostile={name: value for row in rows for name, value in row.items()},
            run_by=self.run_by,
            umask=0,
            **self.variables,
        )

    def status(self) -> dict[str, Any]:
        """Return the output of `./ventas status --json`."""
        done = self.ventas("status", "--json", "--passwords")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture(scope="module")
def hostile(attack: Attack) -> Iterator[Hostile]:
    # Downloads may legitimately use the user's proxy, so they are made beforehand.
    cache = stack_settings().cache
    embedded.products(stack_settings(), embedded.Progress())
    ports = zip(DEFAULT_PORTS, free_ports(len(DEFAULT_PORTS)), strict=True)
    variables = {
        **{port_variable(service): str(port) for service, port in ports},
        "VENTAS_HOME": str(attack.folder / "José 100% %(here)s"),
        "VENTAS_CACHE": str(cache),
    }
    settings = Settings.from_environment(variables)
    stack = Hostile(attack, settings, variables, as_nobody())
    try:
        done = stack.ventas("up")
        assert done.returncode == 0, done.stdout + done.stderr
        yield stack
    finally:
        supervision.stop(settings)


def test_stack_starts_and_works_with_all_hostile_variables_at_once(hostile: Hostile) -> None:
    found = hostile.status()
    assert found["running"]
    states = {p["name"]: p["state"] for p in found["processes"] if p["group"] not in VM_GROUPS}
    assert {"kafka", "compute", *airflow.COMPONENTS} == set(states)
    assert set(states.values()) == {"RUNNING"}
    kafka = AdminClient({"bootstrap.servers": found["kafka"]["bootstrap_servers"]})
    assert kafka.list_topics(timeout=30).brokers
    api = AirflowApi(found["airflow"]["url"], airflow.USER, found["airflow"]["passwords"]["admin"])
    assert not api.import_errors()
    connections = api._json("GET", "/connections")["connections"]
    assert "kafka_other" not in {connection["connection_id"] for connection in connections}


def test_second_up_leaves_the_running_stack_alone(hostile: Hostile) -> None:
    before = hostile.status()
    done = hostile.ventas("up")
    assert done.returncode == 0, done.stderr
    after = hostile.status()
    assert [p["pid"] for p in after["processes"]] == [p["pid"] for p in before["processes"]]
    passwords = before["airflow"]["passwords"].values()
    assert not [password for password in passwords if password in done.stdout + done.stderr]


@pytest.mark.parametrize("name", VARIABLES)
def test_no_process_of_the_stack_has_a_hostile_variable(name: str, hostile: Hostile) -> None:
    variables = set(hostile.attack.filled(VARIABLES[name]).items())
    processes = supervision.marked_processes(hostile.settings)
    environments = {process.pid: set(_environment(process).items()) for process in processes}
    # Some of Airflow's processes set their title, which overwrites their environment.
    assert len([pid for pid, found in environments.items() if found]) >= 6
    assert [pid for pid, found in environments.items() if found & variables] == []


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except psutil.NoSuchProcess:
        return {}


def test_proxy_receives_nothing_and_no_hostile_file_is_used(hostile: Hostile) -> None:
    hostile.status()
    assert hostile.attack.arrived == []
    made = {path.name for path in hostile.attack.trap.iterdir()}
    assert made == {"modules", "bash_env"}
    assert not list((hostile.attack.trap / "modules").glob("__pycache__"))


def test_only_the_user_can_access_the_files_of_the_stack(hostile: Hostile) -> None:
    """Kafka, Airflow and supervisord write files too, with umask 000."""
    modes = modes_in(hostile.settings.home)
    assert {"kafka/meta.properties", "airflow/airflow.db", "supervisor.sock"} <= set(modes)
    assert any(name.startswith("airflow/logs/") for name in modes)
    assert open_to_others(modes) == {}


@pytest.fixture(scope="module")
def alone(attack: Attack) -> dict[str, subprocess.CompletedProcess[str]]:
    """Results of a command that starts nothing, run with each row of variables alone."""
    rows = {**VARIABLES, **KEPT}
    home = str(attack.folder / "none")

    def run(name: str) -> subprocess.CompletedProcess[str]:
        return attack.ventas("status", "--json", hostile=rows[name], VENTAS_HOME=home)

    with ThreadPoolExecutor(os.cpu_count()) as users:
        return dict(zip(rows, users.map(run, rows), strict=True))


@pytest.mark.parametrize("name", [*VARIABLES, *KEPT])
def test_command_works_with_each_row_of_variables_alone(
    name: str, attack: Attack, alone: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    done = alone[name]
    # Before `./ventas` starts, the system's loader reports that the preloaded library is missing.
    said = [line for line in done.stderr.splitlines() if not line.startswith("ERROR: ld.so:")]
    assert (done.returncode, said) == (0, [])
    assert not json.loads(done.stdout)["running"]
    assert not (attack.trap / "ran").exists()
    assert not list((attack.folder / "user").iterdir())


@pytest.mark.parametrize("umask", [0o000, 0o777])
def test_refused_command_creates_no_file(umask: int, attack: Attack) -> None:
    home = attack.folder / "user" / "Documents"
    home.mkdir(exist_ok=True)
    (home / "letter").write_text("mine")
    done = attack.ventas("clean", hostile={}, umask=umask, VENTAS_HOME=str(home))
    assert done.returncode == 1
    assert [path.name for path in home.iterdir()] == ["letter"]
    shutil.rmtree(home)


#: Invalid folders for a stack, each with a part of the error message.
FOLDERS: Final = {
    "root": ("/", "`clean` would delete the project or your home directory"),
    "home": ("{home}", "`clean` would delete the project or your home directory"),
    "above-home": ("{home}/..", "`clean` would delete the project or your home directory"),
    "link-to-home": (
        "{home}/link-to-home",
        "`clean` would delete the project or your home directory",
    ),
    "project": (str(ROOT), "`clean` would delete the project or your home directory"),
    "documents": ("{home}/Documents", "has files that do not belong to a stack ('letter')"),
    "file": ("{home}/file", "is a file"),
    "below-a-file": ("{home}/file/stack", "is a file"),
    "device": ("/dev/null", "is a file"),
    "not-writable": ("/proc/ventas", "No such file or directory: /proc/ventas"),
    "too-long": ("{home}/" + "x" * 90, "too long for a unix socket"),
    "colon": ("{home}/a:b", "has the character :"),
    "quote": ("{home}/it's", "has the character '"),
    "double-quote": ('{home}/"a"', 'has the character "'),
    "dollar": ("{home}/$HOME", "has the character $"),
    "two-lines": ("{home}/a\nb", "cannot be printed"),
    "control-sequence": ("{home}/\x1b[2J", "cannot be printed"),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_invalid_folder_is_refused_in_one_sentence(name: str, attack: Attack) -> None:
    folder, sentence = FOLDERS[name]
    user = attack.folder / "user"
    (user / "Documents").mkdir()
    (user / "Documents" / "letter").write_text("mine")
    (user / "file").write_text("mine")
    (user / "link-to-home").symlink_to(user)
    before = sorted(user.rglob("*"))
    try:
        # `clean` does nothing if the folder does not exist yet.
        command = "up" if name == "not-writable" else "clean"
        done = attack.ventas(command, hostile={}, VENTAS_HOME=folder.format(home=user))
        assert done.returncode == 1, done.stdout
        assert sentence in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert sorted(user.rglob("*")) == before
    finally:
        shutil.rmtree(user)
        user.mkdir()


def test_user_without_account_and_home_can_run_status_and_clean(attack: Attack) -> None:
    run_by = as_nobody()
    if not run_by:
        pytest.skip("needs user name spaces")
    home = attack.folder / "nobody"
    ran = attack.ventas("status", hostile={}, run_by=run_by, VENTAS_HOME=str(home))
    assert ran.returncode == 0
    home.mkdir()
    (home / MARKER).touch()
    cleaned = attack.ventas("clean", hostile={}, run_by=run_by, VENTAS_HOME=str(home))
    assert cleaned.returncode == 0, cleaned.stderr
    assert not home.exists()


# Must be the last test of the file, because it ends the stack.
def test_down_and_clean_leave_nothing_behind(hostile: Hostile) -> None:
    assert hostile.ventas("clean").returncode == 1, "the stack runs"
    down = hostile.ventas("down")
    assert (down.returncode, down.stdout.splitlines()[-1]) == (0, "Nothing is running any more.")
    assert supervision.marked_processes(hostile.settings) == []
    cleaned = hostile.ventas("clean")
    assert cleaned.returncode == 0, cleaned.stderr
    assert not hostile.settings.home.exists()
    user = hostile.attack.folder / "user"
    assert not list(user.iterdir()), "no ~/airflow, no ~/.cache"
