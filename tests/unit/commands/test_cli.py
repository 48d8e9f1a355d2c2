"""The command line: its output for a person and for a program, and its refusals."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from commands.cli import COMMANDS, main
from commands.demo import _print_where
from include.sales.market import DATA
from include.stack import airflow, stack
from include.stack.folder import LOCK, MARKER, claim
from include.stack.settings import ROOT, Settings
from include.waiting import WaitTimeoutError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VENTAS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return the error message for arguments that are refused before anything starts."""
    with pytest.raises(SystemExit) as refused:
        main(arguments)
    assert refused.value.code == 2
    return capsys.readouterr().err


def fails(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def up(*_: object) -> None:
        raise error

    monkeypatch.setattr(stack, "up", up)


def test_help_names_every_command_and_variable(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert all(f"\n    {command} " in said for command in COMMANDS)
    assert all(f"VENTAS_{name}" in said for name in ("HOME", "CACHE", "PORT_OFFSET", "PORT_KAFKA"))


@pytest.mark.parametrize("minutes", ["0", "0.2", "721", "-1", "nan", "inf", "two"])
def test_demo_refuses_minutes_out_of_range(
    minutes: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(["demo", f"--minutes={minutes}"], capsys)
    assert f"{minutes}" in said
    assert "between 0.25 and 720" in said or "is not a number" in said


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["fly"], "fly"),
        ([], "COMMAND"),
        (["logs"], "NAME"),
        (["demo", "--seed=x"], "'x' is not a whole number"),
        (["plots", "--seed=-1"], "the seed must be from 0 to"),
        (["demo", "--history=0"], "'0' is not a number of days from 1 to 366"),
        (["demo", "--history=2", "--no-history"], "not allowed with argument"),
    ],
)
def test_unknown_or_incomplete_command_is_refused(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert named in refusal(arguments, capsys)


def test_invalid_variable_gives_one_sentence_without_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VENTAS_PORT_KAFKA", "99999")
    assert main(["status"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("ventas: The port of kafka would be 99999: set VENTAS_PORT_KAFKA")
    assert said.count("\n") == 1


@pytest.mark.parametrize("command", ["up", "down", "status", "clean", "demo", "bench", "plots"])
def test_every_command_refuses_a_home_that_is_a_file_and_leaves_it_unchanged(
    command: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.write_text("mine")
    assert main([command]) == 1
    assert capsys.readouterr().err == (
        f"ventas: {home} is a file: set VENTAS_HOME to a folder, or to a path that does not "
        "exist.\n"
    )
    assert home.read_text() == "mine"


def test_folder_that_cannot_be_made_gives_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a file").touch()
    assert main(["plots", "--folder", str(tmp_path / "a file" / "b")]) == 1
    assert capsys.readouterr().err == f"ventas: Not a directory: {tmp_path}/a file/b\n"


def test_logs_refuses_files_that_are_no_process_log(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "logs" / "folder.log").mkdir(parents=True)
    (home / "outside.log").touch()
    for name in ("../outside", "folder", "", "/etc/passwd", "a\nb"):
        assert main(["logs", name, "--no-follow"]) == 1
        assert f"No log has the name {name!r}; the logs are: none yet." in capsys.readouterr().err


def test_logs_of_an_unknown_process_lists_the_known_ones(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["logs", "kafak"]) == 1
    assert "No log has the name 'kafak'; the logs are: none yet." in capsys.readouterr().err
    (home / "logs").mkdir(parents=True)
    for name in ("kafka.log", "broker.log", "kafka.log.1"):
        (home / "logs" / name).touch()
    assert main(["logs", "kafak"]) == 1
    assert "the logs are: broker, kafka." in capsys.readouterr().err


def test_logs_prints_the_requested_number_of_last_lines(home: Path) -> None:
    (home / "logs").mkdir(parents=True)
    (home / "logs" / "kafka.log").write_text("one\ntwo\nthree\n")
    command = [sys.executable, "-m", "commands.cli", "logs", "kafka", "-n", "2", "--no-follow"]
    assert subprocess.check_output(command, cwd=ROOT, text=True) == "two\nthree\n"


def test_status_json_of_a_stopped_stack_has_every_address(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VENTAS_PORT_OFFSET", "20000")
    assert main(["status", "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found == {
        "running": False,
        "home": str(home),
        "kafka": {"bootstrap_servers": "127.0.0.1:29092"},
        "druid": {"url": "http://127.0.0.1:28888"},
        "compute": {"api_endpoint": "http://127.0.0.1:28085"},
        "airflow": {"url": "http://127.0.0.1:28080"},
        "processes": [],
        "memory_mib": 0,
    }


@pytest.fixture
def passwords(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Passwords of a stack that appears to run; nothing is started."""
    settings = Settings.from_environment({"VENTAS_HOME": str(home)})
    stopped = stack.status(settings)
    monkeypatch.setattr(stack, "status", lambda _: {**stopped, "running": True})
    monkeypatch.setattr(stack, "up", lambda *_: None)
    monkeypatch.setenv("COLUMNS", "300")
    return list(airflow.passwords(settings).values())


@pytest.mark.parametrize(
    ("arguments", "terminal", "told"),
    [
        (["up"], True, True),
        (["up"], False, False),
        (["status"], True, True),
        (["status"], False, False),
        (["status", "--passwords"], False, True),
        (["status", "--json"], False, False),
        (["status", "--json"], True, False),
        (["status", "--json", "--passwords"], False, True),
    ],
    ids=str,
)
def test_passwords_are_printed_only_on_a_terminal_or_on_request(
    arguments: list[str],
    terminal: bool,
    told: bool,
    passwords: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    # With this variable, `rich` treats every output as a terminal.
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert [password in said for password in passwords] == [told] * len(passwords)
    asked = "--json" in arguments or told
    assert asked or "con `./ventas status --passwords`" in said


def test_end_of_demo_prints_the_password_only_on_a_terminal(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings.from_environment({"VENTAS_HOME": str(home)})
    for terminal in (True, False):
        monkeypatch.setattr(sys.stdout, "isatty", lambda answer=terminal: answer)
        _print_where(settings, Console())
        assert (airflow.password(settings) in capsys.readouterr().out) == terminal


def test_status_of_a_stopped_stack_creates_no_passwords(home: Path) -> None:
    assert main(["status", "--json", "--passwords"]) == 0
    assert not home.exists()


def test_language_without_texts_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VENTAS_LANGUAGE", "xx")
    assert main(["status"]) == 1
    assert "VENTAS_LANGUAGE=xx is not one of es, en" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("encoding", "word"), [("ascii", b"est?"), ("latin-1", b"est\xe1"), ("utf-8", b"est\xc3\xa1")]
)
def test_character_that_the_terminal_lacks_becomes_a_question_mark(
    encoding: str, word: bytes, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, errors = BytesIO(), BytesIO()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(output, encoding, write_through=True))
    monkeypatch.setattr(sys, "stderr", TextIOWrapper(errors, encoding, write_through=True))
    assert main(["status"]) == 0
    assert output.getvalue().startswith(b"El stack " + word)
    assert main(["logs", "\u2026"]) == 1
    assert errors.getvalue().startswith(b"ventas: No log has the name ")


@pytest.mark.parametrize("command", ["bench", "chaos", "soak", "test"])
def test_command_that_writes_files_marks_the_folder(
    command: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_: object, **__: object) -> int:
        assert (home / MARKER).exists()
        return 0

    name = {"test": "commands.test.runner.run_suites"}.get(
        command, f"commands.{command}.run.run_{command}"
    )
    monkeypatch.setattr(name, run)
    assert main([command]) == 0


def test_command_line_imports_no_airflow_and_makes_no_user_folder(tmp_path: Path) -> None:
    """Airflow reads or creates the user's configuration when it is imported."""
    modules = ("test.runner", "bench.run", "chaos.run", "soak.run")
    code = "import sys, commands.cli\n"
    code += "assert not sys.modules.keys() & {'jgo', 'matplotlib', 'numpy'}, 'slow imports'\n"
    code += f"import {', '.join(f'commands.{name}' for name in modules)}\n"
    code += "assert 'airflow' not in sys.modules"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW_")}
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**environment, "HOME": str(tmp_path)},
        check=True,
    )
    assert not list(tmp_path.iterdir())


def test_up_on_a_busy_port_starts_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("VENTAS_PORT_ROUTER", str(port))
        assert main(["up"]) == 1
    assert f"Port {port} for router is taken by " in capsys.readouterr().err
    assert {path.name for path in home.iterdir()} == {MARKER, LOCK}


def test_log_lines_in_an_error_are_printed_unchanged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Kafka's log lines are full of square brackets, rich's markup, and longer than a terminal."""
    line = "  [main] INFO [/127.0.0.1:9092] [red]" + " and so on" * 20
    fails(monkeypatch, WaitTimeoutError(f"Kafka was not ready. The end of kafka.log:\n{line}"))
    assert main(["up"]) == 1
    said = capsys.readouterr().err
    assert said == f"ventas: Kafka was not ready. The end of kafka.log:\n{line}\n"


def test_failed_tool_is_named_with_its_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fails(monkeypatch, subprocess.CalledProcessError(3, ["java", "@args"], "out", "no memory"))
    assert main(["up"]) == 1
    assert "java failed with code 3:\noutno memory" in capsys.readouterr().err


def test_interrupt_ends_without_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fails(monkeypatch, KeyboardInterrupt())
    assert main(["up"]) == 130
    assert "ventas status" in capsys.readouterr().err


def test_clean_removes_the_state_of_a_stopped_stack(home: Path) -> None:
    claim(home)
    (home / "kafka").mkdir()
    assert main(["clean"]) == 0
    assert not home.exists()
    assert main(["clean"]) == 0


def test_market_check_accepts_the_data_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["market", "check"]) == 0
    said = capsys.readouterr().out
    assert "products" in said
    assert "están bien" in said
    assert "events.csv) terminan el 2027-11-28" in said


def test_market_check_reports_every_mistake_with_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(DATA, tmp_path / "data")
    for name in ("products.csv", "stores.csv"):
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write("nonsense\n")
    assert main(["market", "check", "--folder", str(folder)]) == 1
    said = capsys.readouterr().err
    assert "2 mistakes" in said
    for name in ("products.csv", "stores.csv"):
        lines = (folder / name).read_text(encoding="utf-8").count("\n")
        assert f"{name}:{lines}:" in said
