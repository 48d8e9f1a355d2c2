"""Three scenarios of `./ventas chaos`, one round each; the command itself runs all, in more rounds.

These scenarios have no time limit, which a busy machine might exceed.
"""

from pathlib import Path

from commands.chaos import lab as laboratory
from commands.chaos.run import close_windows, run_scenario
from commands.chaos.scenarios import SCENARIOS
from commands.chaos.windows import Windows
from tests.support.lab import Lab


def test_nothing_is_lost_or_duplicated(lab: Lab, tmp_path: Path) -> None:
    stack = laboratory.Lab(lab.settings)
    windows = Windows(stack, 120)
    harmed = [
        run_scenario(stack, windows, name, SCENARIOS[name], 1, tmp_path)
        for name in ("producer", "broker", "fetch")
    ]
    for outcome in (*harmed, close_windows(stack, windows, tmp_path)):
        assert not outcome.failures
        assert outcome.equal
        assert (outcome.lost, outcome.duplicated, outcome.changed) == (0, 0, 0)
    # A round without load or damage would prove nothing; `fetch` ends only after all its harms.
    assert all(outcome.events > 1000 for outcome in harmed)
    assert all(outcome.recoveries[0] > 1 for outcome in harmed[:2])
