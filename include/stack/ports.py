"""TCP ports: check that a stack's ports are free, name the holder of a busy one, find free ones."""

import random
import socket
from itertools import islice
from typing import Final

import psutil

from include.stack.settings import HOST, Settings, port_variable

#: Ports for stacks and their tests. The kernel does not give them to clients: Linux gives clients
#: ports from 32768 on (`ip_local_port_range`), macOS from 49152 on.
_NO_CLIENTS: Final = range(10_000, 20_000)


class PortsBusyError(RuntimeError):
    """Ports of the stack are taken; the message names each port, its holder and the remedy."""


def require_free(settings: Settings) -> None:
    """Raise unless every port of the stack is free; called before anything starts.

    Raises:
        PortsBusyError: with one line for each busy port.
    """
    busy = [
        f"Port {port} for {service} is taken by {holder(port)}: stop it or set "
        f"{port_variable(service)} (or VENTAS_PORT_OFFSET, which moves all ports)."
        for service, port in settings.ports.items()
        if not _is_free(port)
    ]
    if busy:
        raise PortsBusyError("\n".join(busy))


def holder(port: int) -> str:
    """Return the name and id of the process that listens on a port of this machine."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:  # on macOS, for every user but root
        connections = []
    for connection in connections:
        if connection.status != psutil.CONN_LISTEN or not connection.pid:
            continue
        if tuple(connection.laddr)[1] == port:
            try:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
            except psutil.NoSuchProcess:
                break
    return "a process that this user may not see"


def free_ports(count: int) -> list[int]:
    """Return different ports on which nothing listens now.

    The kernel gives none of them to clients: a client could take a port before the server does.
    """
    ports = list(_NO_CLIENTS)
    random.shuffle(ports)
    return list(islice(filter(_is_free, ports), count))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # Servers set this option, so a port in TIME_WAIT is free for them.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
