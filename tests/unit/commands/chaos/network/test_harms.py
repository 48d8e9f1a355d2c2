"""Schedules of harms: drawn from a seed, replayed from JSON, shrunk to the cause."""

import asyncio

from commands.chaos.network.harms import KINDS, NODE_KINDS, Harm, Schedule, drawn, shrunk
from commands.chaos.network.wire import Api

CAUSE = Harm("late-request", Api.END_TXN, 2, 1.0, Api.PRODUCE)
OTHERS = tuple(Harm("delay-answer", Api.FETCH, nth, 0.1) for nth in range(1, 5))


def test_seed_gives_the_same_schedules_again() -> None:
    assert drawn(7, 3) == drawn(7, 3)
    assert len({str(drawn(seed, number)) for seed in (7, 8) for number in range(50)}) == 100


def test_every_kind_of_harm_is_drawn() -> None:
    kinds = {harm.kind for number in range(300) for harm in drawn(1, number).harms}
    assert kinds == set(KINDS)
    of_three = {h.kind for number in range(900) for h in drawn(1, number, brokers=3).harms}
    assert of_three == {*KINDS, *NODE_KINDS}


def test_harms_to_one_of_three_nodes_last_long_enough_for_another_leader() -> None:
    harms = [h for number in range(300) for h in drawn(1, number, brokers=3).harms if h.of_node]
    assert max(harm.seconds for harm in harms) > 5
    assert {harm.kind for harm in harms} >= {"kill-broker", "isolate-controller", "stop-broker"}


def test_failing_schedule_is_shrunk_to_its_cause() -> None:
    async def fails(schedule: Schedule) -> bool:
        return CAUSE in schedule.harms and schedule.transactions >= 3

    whole = Schedule("7/3", 8, (*OTHERS[:2], CAUSE, *OTHERS[2:]))
    assert asyncio.run(shrunk(whole, fails)) == Schedule("7/3", 3, (CAUSE,))
