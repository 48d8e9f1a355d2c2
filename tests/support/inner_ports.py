"""Attempts of another user of the machine to use a stack's Derby and ZooKeeper."""

import socket
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

from include.stack import jars
from include.stack.java import compile_sources, write_argument_file
from include.stack.settings import HOST, Settings

#: ZooKeeper's error code for a session that is closed because its client did not log in.
SESSION_CLOSED = -124
GET_CHILDREN = 8


def zookeeper_error(settings: Settings, path: str = "/") -> int:
    """Return ZooKeeper's answer to a session without a login that lists a node; 0 is success."""
    with socket.create_connection((HOST, settings.ports["zookeeper"]), timeout=20) as connection:
        opening = struct.pack(">iqiqi", 0, 0, 10_000, 0, 16) + bytes(17)
        _send(connection, opening)
        _receive(connection)
        name = path.encode()
        _send(connection, struct.pack(">iii", 1, GET_CHILDREN, len(name)) + name + b"\0")
        _, _, error = struct.unpack(">iqi", _receive(connection)[:16])
    return int(error)


def _send(connection: socket.socket, body: bytes) -> None:
    connection.sendall(struct.pack(">i", len(body)) + body)


def _receive(connection: socket.socket) -> bytes:
    [length] = struct.unpack(">i", _exactly(connection, 4))
    return _exactly(connection, length)


def _exactly(connection: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        part = connection.recv(count - len(found))
        assert part, "ZooKeeper closed the connection"
        found += part
    return found


def derby_login(settings: Settings, folder: Path, user: str, password: str) -> str:
    """Return the answer of Druid's metadata store to a login: ``in as`` a user, or ``refused``."""
    paths = _class_paths(settings)
    source = Path(__file__).with_name("DerbyLogin.java")
    compile_sources(paths["compiler"], (), [source], folder)
    place = f"{HOST}:{settings.ports['derby']}/{settings.home / 'druid' / 'metadata'}"
    main = ["DerbyLogin", f"jdbc:derby://{place}", user, password]
    return _java([*paths["druid"], folder], folder, *main)


def derby_shutdown(settings: Settings, folder: Path, *login: str) -> str:
    """Return the answer of Derby's server to its own shutdown tool."""
    server = ["-h", HOST, "-p", str(settings.ports["derby"])]
    main = "org.apache.derby.drda.NetworkServerControl"
    return _java(_class_paths(settings)["druid"], folder, main, "shutdown", *server, *login)


def _class_paths(settings: Settings) -> dict[str, list[Path]]:
    return jars.fetch(jars.read_lock(), settings.cache / "maven")


def _java(class_path: Sequence[Path], folder: Path, *arguments: str) -> str:
    paths = ":".join(str(path) for path in class_path)
    command = write_argument_file(folder / "arguments", ["-cp", paths, *arguments])
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    return done.stdout
