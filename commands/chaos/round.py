"""The parts that a round's harm gets, for all modules with harms."""

from typing import NamedTuple

from commands.chaos.lab import Lab
from commands.chaos.load import Load


class Round(NamedTuple):
    """Targets of a round's harm: the stack, the load's producer and the window's run."""

    lab: Lab
    load: Load
    window: str
