"""Waits end with success or with an error that says what is wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest

from include.stack.waiting import WaitTimeoutError, wait_until


def turns(*answers: bool | OSError) -> Callable[[], bool]:
    """Return a condition that gives these answers in turn, and then the last one for ever."""
    left = list(answers)

    def ready() -> bool:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, OSError):
            raise answer
        return answer

    return ready


def wait(ready: Callable[[], bool], log: Path | None = None) -> float:
    return wait_until(
        ready, service="Kafka", address="127.0.0.1:1", seconds=0.05, log=log, interval=0.001
    )


def test_refused_connection_counts_as_not_ready() -> None:
    assert wait(turns(ConnectionRefusedError(), False, TimeoutError(), True)) < 0.05


def test_unexpected_error_is_raised_at_once() -> None:
    def broken() -> bool:
        raise KeyError("status")

    with pytest.raises(KeyError):
        wait(broken)


def test_timeout_names_service_address_reason_and_last_log_lines(tmp_path: Path) -> None:
    log = tmp_path / "kafka.log"
    log.write_bytes(b"".join(b"line %d\n" % n for n in range(20)) + b"caf\xe9 [main] ERROR\n")
    with pytest.raises(WaitTimeoutError) as late:
        wait(turns(ConnectionRefusedError("Connection refused")), log)
    first, *lines = str(late.value).splitlines()
    assert first.startswith("Kafka at 127.0.0.1:1 was not ready after 0 s (Connection refused).")
    assert first.endswith(f"The end of {log}:")
    assert [line.strip() for line in lines] == [
        *(f"line {n}" for n in range(9, 20)),
        "caf\N{REPLACEMENT CHARACTER} [main] ERROR",
    ]


def test_missing_log_is_not_mentioned(tmp_path: Path) -> None:
    with pytest.raises(WaitTimeoutError, match=r"\(not ready\)\.$"):
        wait(turns(False), tmp_path / "none.log")
