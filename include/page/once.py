"""Cache of answers that are computed once, although many threads ask for them."""

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """Cache of at most `most` answers: each is computed once, and the least recently used goes.

    A failed answer is computed again at the next request.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._answers: dict[Hashable, Future[T]] = {}

    def ask(self, key: Hashable, ask: Callable[[], "Future[T]"]) -> "Future[T]":
        """Return the answer of a cache key, finished or running, or start it with `ask`."""
        with self._lock:
            found = self._answers.pop(key, None)
            if found is None or (found.done() and found.exception()):
                found = ask()
            self._answers[key] = found
            while len(self._answers) > self._most:
                del self._answers[next(iter(self._answers))]
            return found


def done(answer: T) -> "Future[T]":
    """Return a future that has its result."""
    future: Future[T] = Future()
    future.set_result(answer)
    return future
