"""Threads for blocking calls, shared fairly: a viewer with many requests does not stop the others.

A viewer gets at most three quarters of the threads and a bounded queue; more calls are refused.
Viewers take turns: the next call of a viewer waits for at most one call of each other viewer.
"""

from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any, Final, NamedTuple

from include.texts import InputError

WAITING_OF_ONE: Final = 64
"""Most waiting calls of one viewer: enough for fifty people who share an Airflow user and open the
page at once, each with other filters."""

WAITING: Final = 256
"""Most waiting calls of all viewers together."""


class BusyError(InputError):
    """Too many calls wait or run; the message asks the viewer to try again."""


class _Turn(NamedTuple):
    future: Future[Any]
    call: Callable[[], Any]


class FairThreads:
    """A pool of threads with a bounded queue for each viewer.

    Args:
        threads: number of calls that run at once.
        name: prefix of the threads' names.
    """

    def __init__(self, threads: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._threads = threads
        self._threads_of_one = max(1, threads * 3 // 4)
        self._lock = Lock()
        self._running: Counter[str] = Counter()
        # Queues by viewer, in the order of the viewers' turns.
        self._waiting: dict[str, deque[_Turn]] = {}

    def submit(self, viewer: str, call: Callable[[], Any]) -> Future[Any]:
        """Queue a call and return its future; cancelling the future removes a waiting call.

        Raises:
            BusyError: too many calls of this viewer, or of all viewers, are waiting.
        """
        with self._lock:
            self._drop_cancelled()
            waiting = len(self._waiting.get(viewer, ()))
            if waiting >= WAITING_OF_ONE or sum(map(len, self._waiting.values())) >= WAITING:
                raise BusyError("page_refusal.busy")
            turn = _Turn(Future(), call)
            self._waiting.setdefault(viewer, deque()).append(turn)
            self._begin()
        return turn.future

    def is_busy(self) -> bool:
        """Return whether a call runs. A call waits only while other calls run."""
        with self._lock:
            return bool(self._running)

    def waiting(self) -> list[Callable[[], Any]]:
        """Return the calls of all viewers that wait for a thread."""
        with self._lock:
            self._drop_cancelled()
            return [turn.call for turns in self._waiting.values() for turn in turns]

    def _drop_cancelled(self) -> None:
        for viewer, turns in list(self._waiting.items()):
            left = deque(turn for turn in turns if not turn.future.cancelled())
            if left:
                self._waiting[viewer] = left
            else:
                del self._waiting[viewer]

    def _begin(self) -> None:
        """Start waiting calls while threads are free; the caller holds the lock."""
        while self._running.total() < self._threads:
            free = (name for name in self._waiting if self._running[name] < self._threads_of_one)
            viewer = next(free, None)
            if viewer is None:
                return
            turns = self._waiting.pop(viewer)
            turn = turns.popleft()
            if turns:
                self._waiting[viewer] = turns
            if turn.future.set_running_or_notify_cancel():
                self._running[viewer] += 1
                self._pool.submit(self._run, viewer, turn)

    def _run(self, viewer: str, turn: _Turn) -> None:
        try:
            answer, error = turn.call(), None
        except BaseException as raised:  # noqa: BLE001 - raised where the answer is asked for
            answer, error = None, raised
        with self._lock:
            self._running[viewer] -= 1
            if not self._running[viewer]:
                del self._running[viewer]
            self._begin()
        if error:
            turn.future.set_exception(error)
        else:
            turn.future.set_result(answer)
