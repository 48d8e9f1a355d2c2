"""Stand-ins of Terraform's providers: they have the real schemas, and no cloud.

Terraform talks to a running provider if the variable `TF_REATTACH_PROVIDERS` names its address
("Running Terraform with a Provider in Debug Mode" in HashiCorp's documentation). The messages are
those of `tfplugin5.proto` in github.com/hashicorp/terraform-plugin-go. `terraform validate` needs
only the schemas; `terraform test` with mocked providers too, and reads the data source `external`.
"""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import grpc
import msgspec

_NESTING: Final = {"single": 1, "list": 2, "set": 3, "map": 4, "group": 5}


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def _number(field: int, value: int) -> bytes:
    """Return a numeric field of a protobuf message."""
    return _varint(field << 3) + _varint(value)


def _text(field: int, value: bytes) -> bytes:
    """Return a field of a protobuf message whose value is a text, bytes or a message."""
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _fields(message: bytes) -> dict[int, bytes]:
    """Return a protobuf message's fields, all of which are texts, bytes or messages."""
    found, at = {}, 0

    def read() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        field, size = read() >> 3, read()
        found[field] = message[at : at + size]
        at += size
    return found


def _block(block: dict[str, Any]) -> bytes:
    attributes = (
        _text(1, name.encode())
        + _text(2, json.dumps(each["type"]).encode())
        + b"".join(
            _number(field, 1)
            for field, flag in enumerate(("required", "optional", "computed", "sensitive"), 4)
            if each.get(flag)
        )
        + (_number(10, 1) if each.get("write_only") else b"")
        for name, each in block.get("attributes", {}).items()
    )
    blocks = (
        _text(1, name.encode())
        + _text(2, _block(each["block"]))
        + _number(3, _NESTING[each["nesting_mode"]])
        + _number(4, each.get("min_items", 0))
        + _number(5, each.get("max_items", 0))
        for name, each in block.get("block_types", {}).items()
    )
    return b"".join([_text(2, each) for each in attributes] + [_text(3, each) for each in blocks])


def _schema(schema: dict[str, Any]) -> bytes:
    return _text(2, _block(schema["block"]))


def _schemas(provider: dict[str, Any]) -> bytes:
    """Return the answer to `GetSchema`."""
    return _text(1, _schema(provider["provider"])) + b"".join(
        _text(field, _text(1, name.encode()) + _text(2, _schema(schema)))
        for field, part in ((2, "resource_schemas"), (3, "data_source_schemas"))
        for name, schema in provider.get(part, {}).items()
    )


def _read_external(module: Path, request: bytes) -> bytes:
    """Run the program of a data source `external`, and return the answer to `ReadDataSource`."""
    config = msgspec.msgpack.decode(_fields(_fields(request)[2])[1])
    done = subprocess.run(
        config["program"],
        input=json.dumps(config["query"]),
        capture_output=True,
        text=True,
        check=False,
        cwd=module,
    )
    if done.returncode:
        error = _number(1, 1) + _text(2, done.stderr.encode())
        return _text(2, error)
    state = json.dumps({**config, "id": "-", "result": json.loads(done.stdout)})
    return _text(1, _text(2, state.encode()))


class _Provider(grpc.GenericRpcHandler):
    """The RPCs of a provider; those without an answer of their own find nothing to complain of."""

    def __init__(self, schemas: dict[str, Any], module: Path) -> None:
        self._answers: dict[str, Callable[[bytes], bytes]] = {
            "GetSchema": lambda _: _schemas(schemas),
            "ReadDataSource": partial(_read_external, module),
        }

    def service(self, handler_call_details: Any) -> Any:
        _, service, method = handler_call_details.method.split("/")
        if service != "tfplugin5.Provider":
            return None
        answer = self._answers.get(method)
        return grpc.unary_unary_rpc_method_handler(
            lambda request, _: answer(request) if answer else b""
        )


@contextmanager
def stand_ins(providers: dict[str, Any], module: Path, registry: str) -> Iterator[dict[str, str]]:
    """Serve the providers of an extract; yield the environment with which Terraform finds them.

    `module` is the folder in which Terraform runs; it gets a socket for each provider. `registry`
    is the host in the providers' names.
    """
    addresses = {}
    with ExitStack() as stack:
        for name, schemas in providers.items():
            server: Any = grpc.server(stack.enter_context(ThreadPoolExecutor(4)))
            server.add_generic_rpc_handlers((_Provider(schemas, module),))
            socket = module / f"{name}.socket"
            server.add_insecure_port(f"unix:{socket}")
            server.start()
            stack.callback(server.stop, None)
            addresses[f"{registry}/{schemas['source'].partition('/')[2]}"] = {
                "Protocol": "grpc",
                "ProtocolVersion": 5,
                "Pid": os.getpid(),
                # Terraform must not end this process.
                "Test": True,
                "Addr": {"Network": "unix", "String": str(socket)},
            }
        yield {"TF_REATTACH_PROVIDERS": json.dumps(addresses)}
