"""Processes of the stack that run for a time with a wrong clock."""

from collections.abc import Iterator
from contextlib import contextmanager

from commands.chaos.clocks import clock_variables, set_clock
from commands.chaos.lab import Lab
from commands.chaos.processes import Command

_STARTING = 60.0
"""Seconds that supervisord may take to start a process."""


@contextmanager
def with_clock(lab: Lab, name: str, step: float) -> Iterator[None]:
    """Run one of supervisord's processes with a clock `step` seconds ahead during the block.

    The process ends and starts again before the block and after it. A process that does not run is
    left as it is.

    Raises:
        StackError: libfaketime is not installed.
        WaitTimeoutError: the process is still being started after a minute.
    """
    # Until supervisord's child runs the command, it has the command line of supervisord.
    lab.until(lambda: not lab.is_starting(name), f"{name} to run", _STARTING)
    clock = lab.settings.home / f"{name}-clock"
    started = [Command.of(process) for process in lab.processes(name)]
    if not started:
        yield
        return
    [command] = started
    shifted = command._replace(variables={**command.variables, **clock_variables(clock)})
    set_clock(clock, step)
    lab.stop(name)
    try:
        with shifted.running(lab.settings.logs / f"{name}-clock.log"):
            yield
    finally:
        lab.start(name)
