"""Ports: who holds one, so that "address already in use" can be a useful sentence; free ones."""

import random
import socket
from itertools import islice
from typing import Final

import psutil

from include.stack.settings import HOST, Settings, port_variable

#: Linux gives clients ports from 32768 on (`ip_local_port_range`), macOS from 49152 on; stacks and
#: their tests have others.
_NO_CLIENTS: Final = range(10_000, 20_000)


class PortsBusyError(RuntimeError):
    """Ports that the stack needs and others hold; the message names port, holder and way out."""


def require_free(settings: Settings) -> None:
    """Check every port before anything starts.

    Raises:
        PortsBusyError: one line for each busy port.
    """
    busy = [
        f"Port {port} for {service} is taken by {holder(port)}: stop it or set "
        f"{port_variable(service)} (or VENTAS_PORT_OFFSET to move all)."
        for service, port in settings.ports.items()
        if not _is_free(port)
    ]
    if busy:
        raise PortsBusyError("\n".join(busy))


def holder(port: int) -> str:
    """Name and id of the process that listens on a port of this machine."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:  # as on macOS for all but root
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
    """Different ports that nothing listens on just now.

    None of those that the kernel gives to clients: one might be taken before it is listened on.
    """
    ports = list(_NO_CLIENTS)
    random.shuffle(ports)
    return list(islice(filter(_is_free, ports), count))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a port in TIME_WAIT is free for them.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
