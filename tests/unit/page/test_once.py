"""Answers that are computed once."""

from concurrent.futures import Future
from functools import partial

from include.page.once import Once


def test_once_drops_the_least_recently_used_answer() -> None:
    asked: list[str] = []

    def ask(name: str) -> Future[str]:
        asked.append(name)
        answer: Future[str] = Future()
        answer.set_result(name)
        return answer

    once: Once[str] = Once(2)
    for name in ("a", "b", "a", "c", "a", "b"):
        assert once.ask(name, partial(ask, name)).result() == name
    assert asked == ["a", "b", "c", "b"]
