"""The parts that a round's harm gets, for all modules with harms."""

from typing import NamedTuple

from commands.chaos.lab import Lab
from commands.chaos.load import Load
from commands.chaos.network.behind_proxy import BehindProxy


class Round(NamedTuple):
    """Targets of a round's harm: the stack, the load's producer and the window's run."""

    lab: Lab
    load: Load
    window: str
    network: BehindProxy | None = None
    """The producer's way to Kafka, if the scenario harms it."""
