"""Schedules of harms: drawn from a seed, replayed from JSON, shrunk to the cause."""

import asyncio

from commands.chaos.network.harms import KINDS, Harm, Schedule, drawn, shrunk
from commands.chaos.network.wire import Api

CAUSE = Harm("late-request", Api.END_TXN, 2, 1.0, Api.PRODUCE)
OTHERS = tuple(Harm("delay-answer", Api.FETCH, nth, 0.1) for nth in range(1, 5))


def test_seed_gives_the_same_schedules_again() -> None:
    assert drawn(7, 3) == drawn(7, 3)
    assert len({str(drawn(seed, number)) for seed in (7, 8) for number in range(50)}) == 100


def test_every_kind_of_harm_is_drawn() -> None:
    kinds = {harm.kind for number in range(300) for harm in drawn(1, number).harms}
    assert kinds == set(KINDS)


def test_failing_schedule_is_shrunk_to_its_cause() -> None:
    async def fails(schedule: Schedule) -> bool:
        return CAUSE in schedule.harms and schedule.transactions >= 3

    whole = Schedule("7/3", 8, (*OTHERS[:2], CAUSE, *OTHERS[2:]))
    assert asyncio.run(shrunk(whole, fails)) == Schedule("7/3", 3, (CAUSE,))
