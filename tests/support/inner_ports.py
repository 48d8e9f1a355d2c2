"""Derby and ZooKeeper of a stack, as somebody else on the machine would try them."""

import socket
import struct
import subprocess
from pathlib import Path

from include.stack import stack as embedded
from include.stack.java import write_argument_file
from include.stack.settings import HOST, Settings

#: ZooKeeper's codes: the session is closed, since its client did not log in.
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


def derby(settings: Settings, folder: Path, password: str) -> subprocess.CompletedProcess[str]:
    """Make a table in Druid's metadata store, with Druid's own tool and some password."""
    uri = f"jdbc:derby://{HOST}:{settings.ports['derby']}/{settings.home / 'druid' / 'metadata'}"
    tool = ["tools", "metadata-init", "--connectURI", uri, "--user", "APP", "--base", "ataque"]
    return _java(
        settings,
        folder,
        "org.apache.druid.cli.Main",
        *(*tool, "--password", password, "--action", "createDataSourceTable"),
    )


def derby_shutdown(
    settings: Settings, folder: Path, *login: str
) -> subprocess.CompletedProcess[str]:
    """Ask Derby's server to stop, with its own tool."""
    port = str(settings.ports["derby"])
    main = "org.apache.derby.drda.NetworkServerControl"
    return _java(settings, folder, main, "shutdown", "-h", HOST, "-p", port, *login)


def _java(
    settings: Settings, folder: Path, main: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    product = embedded.products(settings, embedded.Progress())["druid"]
    options = ["-Ddruid.metadata.storage.type=derby", "-Ddruid.extensions.loadList=[]"]
    command = write_argument_file(
        folder / "arguments", [*product.arguments(main, options), *arguments]
    )
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
