"""One check of the doctor, and the run of all in their order."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from include.cloud.cloud import Cloud
from include.cloud.errors import CloudError
from include.texts import TextKey


class NotCheckedError(CloudError):
    """A check cannot be done here and now, which is no error of the deployment."""


@dataclass(frozen=True)
class Check:
    """A check.

    Attributes:
        kind: key of the title's text below `cli.cloud.kinds`.
        run: raises `CloudError`, one sentence with what to do, or `NotCheckedError`.
        name: rest of the title.
        needs: ids of checks without which this one says nothing; unknown ids do not count.
    """

    kind: str
    run: Callable[[Cloud], None]
    name: str = ""
    needs: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Name for `needs`."""
        return f"{self.kind} {self.name}".strip()


class Result(NamedTuple):
    """A check, and its error; `checked` is false if it could not be done."""

    check: Check
    error: CloudError | None = None
    checked: bool = True


def run_all(checks: Iterable[Check], cloud: Cloud) -> Iterator[Result]:
    """Run the checks in order; a check that needs a failed one is not run."""
    failed: dict[str, Check] = {}
    for check in checks:
        cause = next((failed[need] for need in check.needs if need in failed), None)
        if cause:
            failed[check.id] = cause
            title = TextKey(f"cli.cloud.kinds.{cause.kind}")
            yield Result(
                check, NotCheckedError("needs", kind=title, name=cause.name), checked=False
            )
            continue
        try:
            check.run(cloud)
        except NotCheckedError as error:
            failed[check.id] = check
            yield Result(check, error, checked=False)
        except CloudError as error:
            failed[check.id] = check
            yield Result(check, error)
        else:
            yield Result(check)
