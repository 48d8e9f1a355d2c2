"""Errors of the clouds: each is one text for the person, in their language."""

from include.texts import InputError


class CloudError(InputError):
    """A cloud's answer, or a setting, stops the command; `cli.cloud.problems` has the texts.

    Args:
        problem: key of the text below `cli.cloud.problems`.
        values: values of its fields.
    """

    def __init__(self, problem: str, **values: object) -> None:
        self.problem = problem
        super().__init__(f"cli.cloud.problems.{problem}", **values)


class RefusedError(CloudError):
    """A cloud answered an HTTP status that stands for an error.

    Attributes:
        status: the HTTP status, 0 without an answer.
        reason: the answer's own sentence.
    """

    def __init__(self, asked: str, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        problem = "refused" if status else "no_answer"
        super().__init__(problem, asked=asked, status=status, reason=reason)


class UnsureError(RefusedError):
    """The answer to a creation was 5xx or was lost: nobody knows whether the resource was made."""
