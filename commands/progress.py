"""The progress display of long steps, such as downloads and waits for a service."""

from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from include.stack.stack import Progress as StackCallbacks


class StackProgress:
    """A progress display with one line per step; finished steps stay visible with their time."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(show_speed=False),
            TimeElapsedColumn(),
            console=console,
        )
        self._current: TaskID | None = None

    def __enter__(self) -> "StackProgress":
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._finish()
        self._progress.stop()

    def callbacks(self) -> StackCallbacks:
        """Return the functions that the stack calls to report its progress."""
        return StackCallbacks(step=self.step, fetched=self._fetched)

    def step(self, text: str) -> None:
        """End the last step and begin this one."""
        self._finish()
        self._current = self._progress.add_task(text, total=None)

    def _fetched(self, done: int, total: int, what: str) -> None:
        if self._current is not None:
            self._progress.update(
                self._current, total=total, completed=done, description=f"Jars: {what}"
            )

    def _finish(self) -> None:
        if self._current is not None:
            self._progress.update(self._current, total=1, completed=1)
            self._current = None
