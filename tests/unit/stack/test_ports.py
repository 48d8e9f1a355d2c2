"""TCP ports: busy ones are reported with their holder, and free ones are found."""

import os
import socket
from pathlib import Path

import pytest

from include.stack.ports import PortsBusyError, free_ports, require_free
from include.stack.settings import HOST, Settings


def settings(ports: dict[str, int]) -> Settings:
    return Settings(home=Path("/nowhere"), cache=Path("/nowhere"), ports=ports)


def test_every_busy_port_is_reported_with_its_holder_and_variable() -> None:
    [free] = free_ports(1)
    with socket.create_server((HOST, 0)) as one, socket.create_server((HOST, 0)) as two:
        first, second = one.getsockname()[1], two.getsockname()[1]
        with pytest.raises(PortsBusyError) as refused:
            require_free(settings({"kafka-controller": first, "router": free, "airflow": second}))
    lines = str(refused.value).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"Port {first} for kafka-controller is taken by ")
    assert f"(process {os.getpid()})" in lines[0]
    assert "VENTAS_PORT_KAFKA_CONTROLLER" in lines[0]
    assert f"Port {second} for airflow" in lines[1]


def test_free_ports_are_different_and_outside_the_range_of_clients() -> None:
    ports = free_ports(50)
    assert len(set(ports)) == 50
    with socket.create_server((HOST, 0)) as server:
        assert max(ports) < server.getsockname()[1]
    with socket.create_server((HOST, free_ports(1)[0])) as server:
        assert server.getsockname()[1] not in free_ports(9_000)


def test_port_in_time_wait_counts_as_free() -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection((HOST, port)) as client:
            accepted, _ = server.accept()
            # The side that closes first keeps the port in TIME_WAIT.
            accepted.close()
            assert client.recv(1) == b""
    require_free(settings({"router": port}))
