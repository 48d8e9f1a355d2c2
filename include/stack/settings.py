"""Settings of one embedded stack: its folder, its ports, its download cache.

Two stacks can run at once if their `VENTAS_HOME` and `VENTAS_PORT_OFFSET` differ. So the tests do
not disturb a running demo.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from include.texts import chosen_language

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parents[2]

#: Every port of the stack, by service. Where a product has a default port, it is that one.
DEFAULT_PORTS = {
    "kafka": 9092,
    "kafka-controller": 9093,
    "zookeeper": 2181,
    "derby": 1527,
    "coordinator": 8081,
    "broker": 8082,
    "historical": 8083,
    "indexer": 8091,
    "router": 8889,
    # The proxy before the router has the router's default ports: HTTP, and TLS if secured.
    "druid": 8888,
    "druid-tls": 9088,
    "compute": 8085,
    "airflow": 8080,
}


#: Characters that a path may not have. They have a meaning in a class path, a Java argument file, a
#: list of Kafka's folders, the address of Derby's or SQLite's database, or a value that Airflow or
#: Kafka expands.
_FORBIDDEN = frozenset(":;,'\"\\`$?#*!")

#: Most bytes of the state folder's path. The path of a unix socket in it may have 107 bytes on
#: Linux and 103 on macOS, and supervisord appends a process id while it creates the socket.
_LONGEST_HOME = 75

#: The address of a PostgreSQL server on this machine, by TCP or by the folder of its unix socket.
#: Airflow expands `$` in a setting, so other signs than these must be percent-encoded.
_SERVER = re.compile(
    r"postgresql://[\w.~%-]+(:[\w.~%-]*)?@"
    r"((127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?/?|(:\d{1,5})?/\?host=/[\w./~%-]+)",
    re.ASCII,
)


class SettingsError(ValueError):
    """An environment variable has a value that the stack cannot use; the message says why."""


@dataclass(frozen=True)
class Settings:
    """Settings of one stack.

    Attributes:
        home: state folder (logs, data, configuration); `./ventas clean` removes it.
        cache: folder of jars and class-data archives, which all stacks share; it is in `home` for a
            user without a home directory.
        ports: TCP port by service, all on loopback.
        secure: whether Kafka and Druid require TLS and a login, and Kafka checks ACLs, as in
            production.
        airflow_database: URL of the PostgreSQL server for Airflow's database; "" for SQLite.
    """

    home: Path
    cache: Path
    ports: Mapping[str, int]
    secure: bool = False
    # It may contain a password.
    airflow_database: str = field(default="", repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the stack's variables: VENTAS_HOME and the others that `./ventas --help` lists.

        Raises:
            SettingsError: a port is not a number between 1 and 65535, or two services have the same
                one; a stack cannot use the folder; VENTAS_SECURE is neither 0 nor 1; there are no
                texts in VENTAS_LANGUAGE; VENTAS_AIRFLOW_DATABASE is no server of this machine.
        """
        try:
            chosen_language(environment)
        except ValueError as error:
            raise SettingsError(str(error)) from None
        _check_path(ROOT, "move the project to a folder")
        home = Path(environment.get("VENTAS_HOME") or ROOT / ".ventas").resolve()
        _check_home(home)
        cache = Path(environment.get("VENTAS_CACHE") or _user_cache(environment, home)).resolve()
        _check_path(cache, "set VENTAS_CACHE to a folder")
        return cls(
            home=home,
            cache=cache,
            ports=_ports(environment),
            secure=_switch(environment, "VENTAS_SECURE"),
            airflow_database=_server(environment, "VENTAS_AIRFLOW_DATABASE"),
        )

    def url(self, service: str) -> str:
        return f"http://{self.address(service)}"

    def address(self, service: str) -> str:
        return f"{HOST}:{self.ports[service]}"

    @property
    def logs(self) -> Path:
        """Folder of the logs, with one file per process."""
        return self.home / "logs"


def _user_home() -> Path | None:
    """Return the user's home directory; None without HOME for a user id that has no account."""
    try:
        return Path.home().resolve()
    except RuntimeError:
        return None


def _user_cache(environment: Mapping[str, str], home: Path) -> Path:
    if folder := environment.get("XDG_CACHE_HOME"):
        return Path(folder, "ventas")
    user = _user_home()
    return user / ".cache" / "ventas" if user else home / "cache"


def _check_path(path: Path, remedy: str) -> None:
    """Raise if configuration files cannot hold the path; `remedy` begins the message's advice."""
    if not str(path).isprintable():
        raise SettingsError(
            f"The path {str(path)!r} has characters that cannot be printed: {remedy} without them."
        )
    if found := sorted(_FORBIDDEN.intersection(str(path))):
        raise SettingsError(
            f"The path {path} has the character {found[0]}, which has a meaning in configuration "
            f"files: {remedy} whose path does not have it."
        )


def _check_home(home: Path) -> None:
    """Raise if the stack cannot use the folder, or if `clean` would delete other files with it."""
    _check_path(home, "set VENTAS_HOME to a folder")
    file = next((path for path in (home, *home.parents) if path.exists()), home)
    if file.exists() and not file.is_dir():
        raise SettingsError(
            f"{file} is a file: set VENTAS_HOME to a folder, or to a path that does not exist."
        )
    if any(kept and kept.is_relative_to(home) for kept in (ROOT, _user_home())):
        raise SettingsError(
            f"`clean` would delete the project or your home directory, because {home} contains it: "
            "set VENTAS_HOME to a folder only for the stack."
        )
    if len(bytes(home)) > _LONGEST_HOME:
        raise SettingsError(
            f"The path {home} is too long for a unix socket in it: set VENTAS_HOME to a path "
            f"of at most {_LONGEST_HOME} bytes."
        )


def port_variable(service: str) -> str:
    """Return the name of the environment variable that sets a service's port."""
    return f"VENTAS_PORT_{service.upper().replace('-', '_')}"


def _ports(environment: Mapping[str, str]) -> dict[str, int]:
    offset = _number(environment, "VENTAS_PORT_OFFSET", 0)
    ports: dict[str, int] = {}
    for service, default in DEFAULT_PORTS.items():
        variable = port_variable(service)
        port = _number(environment, variable, default + offset)
        if not 1 <= port <= 65535:
            raise SettingsError(
                f"The port of {service} would be {port}: set {variable} or VENTAS_PORT_OFFSET "
                f"so that it is from 1 to 65535."
            )
        twin = next((other for other, taken in ports.items() if taken == port), None)
        if twin:
            raise SettingsError(
                f"{service} and {twin} would both use port {port}: set {variable} to another port."
            )
        ports[service] = port
    return ports


def _number(environment: Mapping[str, str], variable: str, default: int) -> int:
    text = environment.get(variable, "")
    try:
        return int(text) if text else default
    except ValueError:
        raise SettingsError(f"{variable} must be a whole number, not {text!r}.") from None


def _switch(environment: Mapping[str, str], variable: str) -> bool:
    text = environment.get(variable, "")
    if text not in ("", "0", "1"):
        raise SettingsError(f"{variable} must be 1 or 0, not {text!r}.")
    return text == "1"


def _server(environment: Mapping[str, str], variable: str) -> str:
    text = environment.get(variable, "")
    if text and not _SERVER.fullmatch(text):
        # The message does not repeat the value, which may contain a password.
        raise SettingsError(
            f"{variable} must be postgresql://USER:PASSWORD@127.0.0.1:PORT or "
            "postgresql://USER@/?host=FOLDER_OF_THE_SOCKET, without the name of a database, and "
            "with special characters of the password percent-encoded."
        )
    return text
