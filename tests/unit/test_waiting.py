"""Waits end with success or with an error that says what is missing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from include import waiting
from include.waiting import Polling, WaitTimeoutError, wait_until


class Clock:
    """A clock that only pauses advance."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(waiting, "time", clock)
    return clock


def turns(*answers: object) -> Callable[[], object]:
    """Return a condition that gives these answers in turn, and then the last one for ever."""
    left = list(answers)

    def ready() -> object:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ready


def wait(*answers: object, log: Path | None = None, **options: Any) -> object:
    return wait_until(turns(*answers), "Kafka at 127.0.0.1:1", 90, interval=1, log=log, **options)


def test_polls_end_after_the_deadline_with_a_pause_before_each_but_the_first(clock: Clock) -> None:
    assert [clock.now for _ in Polling(3, interval=2)] == [0, 2, 4]
    assert clock.pauses == [2, 2]


def test_wait_without_time_polls_once(clock: Clock) -> None:
    moments = []
    for _ in Polling(0):
        moments.append(clock.now)
        clock.now += 0.5
    assert moments == [0]


def test_progress_restarts_the_time_to_the_deadline(clock: Clock) -> None:
    polling = Polling(3, interval=2)
    moments = []
    for _ in polling:
        moments.append(clock.now)
        if clock.now == 4:
            polling.restart()
    assert moments == [0, 2, 4, 6, 8]


def test_given_clock_and_sleep_are_used(clock: Clock) -> None:
    own = Clock()
    assert len(list(Polling(3600, interval=60, clock=own.monotonic, sleep=own.sleep))) == 62
    assert (own.now, clock.now) == (3660, 0)


def test_true_value_is_returned(clock: Clock) -> None:
    assert wait(None, "", 0, [], "found") == "found"
    assert clock.pauses == [1, 1, 1, 1]


def test_refused_connection_counts_as_not_ready() -> None:
    assert wait(ConnectionRefusedError(), False, TimeoutError(), True) is True


def test_only_the_named_errors_count_as_not_ready() -> None:
    with pytest.raises(KeyError):
        wait(KeyError("status"))
    with pytest.raises(ConnectionRefusedError):
        wait(KeyError("status"), ConnectionRefusedError(), errors=KeyError)


def test_timeout_names_what_is_missing_the_last_error_and_the_last_log_lines(
    tmp_path: Path,
) -> None:
    log = tmp_path / "kafka.log"
    log.write_bytes(b"".join(b"line %d\n" % n for n in range(20)) + b"caf\xe9 [main] ERROR\n")
    with pytest.raises(WaitTimeoutError) as late:
        wait(ConnectionRefusedError("Connection refused"), log=log)
    first, *lines = str(late.value).splitlines()
    assert first == (
        "Timed out after 90 s waiting for Kafka at 127.0.0.1:1 (Connection refused). "
        f"The end of {log}:"
    )
    assert [line.strip() for line in lines] == [
        *(f"line {n}" for n in range(9, 20)),
        "caf\N{REPLACEMENT CHARACTER} [main] ERROR",
    ]


def test_missing_log_and_earlier_error_are_not_mentioned(tmp_path: Path) -> None:
    with pytest.raises(WaitTimeoutError, match=r"127\.0\.0\.1:1\.$"):
        wait(ConnectionRefusedError("refused"), False, log=tmp_path / "none.log")
