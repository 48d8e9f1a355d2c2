"""`./ventas chaos --random`: its result, and the schedule that it prints for a replay."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import msgspec
import pytest

from commands import cli
from commands.chaos.network import run
from commands.chaos.network.harms import Harm, Schedule, drawn
from commands.chaos.network.harness import Proof
from commands.chaos.network.history import Anomaly, Sent, Transaction
from commands.chaos.network.wire import Api

SOLD = Transaction((Sent("ventas", "v0", "e0-0"),), "acknowledged")
CAUSE = Harm("kill", Api.PRODUCE, 1, 0.1)


class StandIn:
    """A harness that loses a record in each schedule with `CAUSE`, of a naive producer."""

    def __init__(self) -> None:
        self.pids = {"kafka": 1}

    async def prove(self, schedule: Schedule, *, naive: bool) -> Proof:
        lost = [Anomaly("lost", 0, "e0-0")] if naive and CAUSE in schedule.harms else []
        return Proof(schedule, [SOLD], 1 - len(lost), schedule.harms, lost)

    @contextmanager
    def kafka(self) -> Iterator[str]:
        yield "127.0.0.1:9092"


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    @asynccontextmanager
    async def harness_of(*_: object) -> AsyncIterator[StandIn]:
        yield StandIn()

    monkeypatch.setenv("VENTAS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("include.stack.stack.products", lambda *_: {})
    monkeypatch.setattr(run, "Services", lambda *_: StandIn())
    monkeypatch.setattr(run, "harness_of", harness_of)


def test_schedules_without_an_anomaly_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["chaos", "--random", "--seed", "3", "--rounds", "4", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["schedules"], told["records"], told["anomalies"], told["failed"]) == (4, 4, {}, [])
    assert told["harms"] == sum(len(drawn(3, number).harms) for number in range(4))
    assert sum(told["harms_by_kind"].values()) == told["harms"]
    assert told["transactions"] == {"acknowledged": 4}


def test_failed_schedule_fails_the_command_and_is_shrunk(
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = Schedule("given", 5, (Harm("freeze", Api.FETCH, 1, 0.1), CAUSE))
    text = msgspec.json.encode(given).decode()
    assert cli.main(["chaos", "--naive", "--schedule", text, "--rounds", "1"]) == 1
    said = capsys.readouterr().out
    assert "lost: 1" in said
    [line] = [line for line in said.splitlines() if "--schedule" in line]
    replayed = msgspec.json.decode(line[line.index("{") :], type=Schedule)
    assert replayed == Schedule("given", 1, (CAUSE,))


def test_schedules_of_three_brokers_are_run_on_a_cluster(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[dict[str, bool]] = []

    class Nodes:
        addresses = "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3"

        def __init__(self, *_: object, **disks_and_clocks: bool) -> None:
            asked.append(disks_and_clocks)

        @asynccontextmanager
        async def serving(self) -> AsyncIterator[None]:
            yield

    monkeypatch.setattr("include.stack.stack.products", lambda *_: {"kafka": None})
    monkeypatch.setattr(run, "Cluster", Nodes)
    arguments = ["chaos", "--random", "--brokers", "3", "--rounds", "200", "--json"]
    assert cli.main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["schedules"] == 200
    assert asked == [{"small_disks": True, "clocks": True}]


def test_schedule_of_three_brokers_is_refused_for_one(capsys: pytest.CaptureFixture[str]) -> None:
    given = Schedule("given", 5, (Harm("isolate-broker", Api.END_TXN, 1, 0.1),))
    text = msgspec.json.encode(given).decode()
    assert cli.main(["chaos", "--schedule", text]) == 1
    assert "--brokers 3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("late", "JSON is malformed"),
        ('{"name": "x"}', "missing required field"),
        (
            '{"name": "x", "transactions": 1, "harms": [{"kind": "none", "api": 0, "nth": 1,'
            ' "seconds": 1}]}',
            "the kinds of harms are",
        ),
    ],
)
def test_text_that_is_no_schedule_is_refused(
    text: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["chaos", "--schedule", text]) == 1
    assert reason in capsys.readouterr().err
