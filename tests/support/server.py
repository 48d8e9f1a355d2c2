"""An ASGI app behind a real server, for requests that a test client cannot send: half or odd."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn
from starlette.types import ASGIApp

from include.stack.settings import HOST


@contextmanager
def serving_app(app: ASGIApp) -> Iterator[str]:
    """Serve an app in its own thread, and yield its base URL."""
    with socket.create_server((HOST, 0)) as listener:
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            # Connections wait in the listener until the server takes them.
            yield f"http://{HOST}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def answer_to(url: str, request: bytes, *, seconds: float = 10.0) -> bytes:
    """Send bytes unchanged, and return the answer until the server closes or a time-out."""
    host, _, port = url.rpartition("/")[2].partition(":")
    answer = b""
    with socket.create_connection((host, int(port)), timeout=seconds) as connection:
        try:
            # A server that refuses may close the connection before it has read all bytes.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(request)
            while part := connection.recv(65536):
                answer += part
        except (TimeoutError, ConnectionResetError):
            pass
    return answer
