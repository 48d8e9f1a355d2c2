"""The folder of a stack: no command changes or deletes a folder that is not a stack's."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from commands.cli import main
from include.stack import folder, ports, stack
from include.stack.folder import LOCK, MARKER, FolderError
from include.stack.settings import ROOT, Settings
from include.waiting import wait_until


@pytest.fixture
def documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files of the user, to which VENTAS_HOME points by mistake."""
    documents = tmp_path / "Documents"
    (documents / "letters").mkdir(parents=True)
    (documents / "letters" / "will.txt").write_text("mine")
    monkeypatch.setenv("VENTAS_HOME", str(documents))
    return documents


def tree(home: Path) -> dict[str, str]:
    return {
        path.relative_to(home).as_posix(): path.read_text() if path.is_file() else "folder"
        for path in home.rglob("*")
    }


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def refuse_to_start(*_: object) -> None:
    raise stack.StackError("started")


@pytest.mark.parametrize("command", ["up", "down", "clean", "demo", "test", "bench", "soak"])
def test_every_command_refuses_a_folder_of_the_user_and_leaves_it_unchanged(
    command: str, documents: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tree(documents)
    assert main([command]) == 1
    assert capsys.readouterr().err == (
        f"ventas: {documents} has files that do not belong to a stack ('letters'): set "
        "VENTAS_HOME to an empty or a new folder.\n"
    )
    assert tree(documents) == before


@pytest.mark.parametrize("form", ["link", "relative", "dots"])
def test_folder_of_the_user_is_refused_under_any_of_its_names(
    form: str, documents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (documents.parent / "link").symlink_to(documents)
    names = {"link": str(documents.parent / "link"), "relative": "Documents"}
    monkeypatch.chdir(documents.parent)
    monkeypatch.setenv("VENTAS_HOME", names.get(form, "./Documents/letters/.."))
    before = tree(documents)
    assert [main(["up"]), main(["clean"])] == [1, 1]
    assert tree(documents) == before


@pytest.mark.parametrize("exists", [True, False])
def test_first_up_of_an_empty_or_missing_folder_marks_it(
    exists: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "stack"
    if exists:
        home.mkdir(mode=0o755)
    monkeypatch.setattr(ports, "require_free", refuse_to_start)
    settings = replace(Settings.from_environment({}), home=home)
    with pytest.raises(stack.StackError, match="started"):
        stack.up(settings, stack.Progress())
    assert {path.name for path in home.iterdir()} == {MARKER, LOCK}
    assert mode(home) == 0o700


def test_marked_folder_with_files_may_be_used_again(tmp_path: Path) -> None:
    folder.claim(tmp_path)
    (tmp_path / "kafka").mkdir()
    tmp_path.chmod(0o755)
    folder.claim(tmp_path)
    assert mode(tmp_path) == 0o700


def test_folder_in_the_project_needs_no_marker_unless_it_is_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "_PROJECTS", tmp_path / ".ventas")
    (tmp_path / ".ventas" / "test0").mkdir(parents=True)
    (tmp_path / ".ventas" / "test0" / "data").touch()
    folder.remove(tmp_path / ".ventas" / "test0")
    assert not list((tmp_path / ".ventas").iterdir())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").touch()
    (tmp_path / ".ventas" / "link").symlink_to(tmp_path / "mine")
    settings = Settings.from_environment({"VENTAS_HOME": str(tmp_path / ".ventas" / "link")})
    with pytest.raises(FolderError, match="that do not belong to a stack"):
        folder.remove(settings.home)
    assert (tmp_path / "mine" / "letter").exists()


def test_stack_of_an_earlier_version_gives_the_command_to_mark_it(documents: Path) -> None:
    for name in ("supervisord.conf", "conf", "airflow"):
        (documents / name).mkdir()
    with pytest.raises(FolderError) as refused:
        folder.remove(documents)
    command = re.search(r"`(touch .*)`", str(refused.value))
    assert command
    subprocess.run(command[1], shell=True, check=True)  # noqa: S602 - as a person would paste it
    folder.remove(documents)
    assert not documents.exists()


def test_clean_prints_the_contents_before_and_the_removal_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "[red]stack"
    folder.claim(home)
    (home / "kafka").mkdir()
    (home / "kafka" / "log").write_bytes(bytes(3 * 1024 * 1024))
    (home / "[bold]notes.txt").touch()
    monkeypatch.setenv("VENTAS_HOME", str(home))
    assert main(["clean"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told == [
        f"Se borra {home}: [bold]notes.txt, kafka (3.0 MiB)",
        f"Se borró {home}",
    ]
    assert not home.exists()


def test_clean_deletes_links_but_not_their_targets(documents: Path, tmp_path: Path) -> None:
    home = tmp_path / "stack"
    folder.claim(home)
    (home / "kafka").mkdir()
    (home / "link").symlink_to(documents)
    (home / "kafka" / "link").symlink_to(documents)
    (home / "file").symlink_to(documents / "letters" / "will.txt")
    before = tree(documents)
    folder.remove(home)
    assert not home.exists()
    assert tree(documents) == before


def test_clean_reports_a_file_that_could_not_be_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "stack"
    folder.claim(home)
    (home / "kafka").mkdir()
    (home / "kafka" / "held").touch()
    monkeypatch.setenv("VENTAS_HOME", str(home))
    unlink = os.unlink

    def refuse(path: str, **options: object) -> None:
        if str(path).endswith("held"):
            raise PermissionError(1, "Operation not permitted", str(path))
        unlink(path, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", refuse)
        assert main(["clean"]) == 1
    said = capsys.readouterr()
    assert "Se borró" not in said.out
    assert f"{home} is still there" in said.err
    assert "held could not be deleted (Operation not permitted)" in said.err
    # The folder still has its marker, so that the next `clean` may delete it.
    assert main(["clean"]) == 0
    assert not home.exists()


@pytest.mark.skipif(not shutil.which("chattr") or os.geteuid() != 0, reason="needs chattr and root")
def test_clean_reports_an_immutable_file(tmp_path: Path) -> None:
    folder.claim(tmp_path)
    held = tmp_path / "held"
    held.touch()
    if subprocess.run(["chattr", "+i", held], capture_output=True, check=False).returncode:
        pytest.skip("this file system has no immutable files")
    try:
        with pytest.raises(FolderError, match="held could not be deleted"):
            folder.remove(tmp_path)
        assert held.exists()
    finally:
        subprocess.run(["chattr", "-i", held], check=True)


def test_clean_deletes_nothing_while_a_disk_is_mounted_in_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "stack"
    folder.claim(home)
    (home / "kafka").mkdir()
    (home / "kafka" / "photos").touch()
    before = tree(home)
    disk = SimpleNamespace(mountpoint=str(home / "kafka"))
    with monkeypatch.context() as patched:
        patched.setattr(psutil, "disk_partitions", lambda **_: [disk])
        with pytest.raises(FolderError, match="kafka is a mounted disk or folder"):
            folder.remove(home)
    assert tree(home) == before


def test_clean_deletes_nothing_while_a_bind_mount_is_in_the_folder(tmp_path: Path) -> None:
    home, photos = tmp_path / "a stack", tmp_path / "photos"
    folder.claim(home)
    (home / "kafka").mkdir()
    photos.mkdir()
    (photos / "1.jpg").touch()
    mount = ["mount", "--bind", str(photos), str(home / "kafka")]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("needs the right to mount")
    try:
        with pytest.raises(FolderError, match="kafka is a mounted disk or folder"):
            folder.remove(home)
        assert (photos / "1.jpg").exists()
    finally:
        subprocess.run(["umount", str(home / "kafka")], check=True)


@contextmanager
def another_command(home: Path, name: str) -> Iterator[int]:
    """Hold the stack's lock in another process, as a command does; yield the process id."""
    code = (
        "import sys; from pathlib import Path; from include.stack import folder\n"
        f"with folder.held(Path(sys.argv[1]), {name!r}): print(flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(home)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    process.stdout.readline()
    try:
        yield process.pid
    finally:
        process.communicate()


@pytest.mark.parametrize("command", ["up", "down", "clean"])
def test_second_command_on_a_stack_is_refused_while_the_first_runs(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home = tmp_path / "stack"
    folder.claim(home)
    (home / "data").touch()
    monkeypatch.setenv("VENTAS_HOME", str(home))
    with another_command(home, "up") as pid:
        assert main([command]) == 1
    assert capsys.readouterr().err == (
        f"ventas: `./ventas up` (process {pid}) is changing the stack in {home}: wait until it "
        "ends.\n"
    )
    assert (home / "data").exists()
    assert main(["clean"]) == 0


def test_a_killed_command_leaves_no_lock(tmp_path: Path) -> None:
    with another_command(tmp_path, "up") as pid:
        psutil.Process(pid).kill()
        wait_until(
            lambda: psutil.Process(pid).status() == psutil.STATUS_ZOMBIE,
            f"the end of the command, process {pid}",
            30,
        )
        with folder.held(tmp_path, "down"):
            assert f"process {os.getpid()}" in (tmp_path / LOCK).read_text()


def test_command_that_waited_for_a_clean_refuses_the_removed_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "stack"
    flock = fcntl.flock

    def flock_late(descriptor: int, operation: int) -> None:
        (home / LOCK).unlink()
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", flock_late)
    with pytest.raises(FolderError, match="Another command just removed"), folder.held(home, "up"):
        raise AssertionError("the stack is started")


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_files_of_a_command_are_private_whatever_the_umask(umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        with folder.held(tmp_path / "a" / "stack", "up"):
            folder.claim(tmp_path / "a" / "stack")
            (tmp_path / "a" / "stack" / "folder").mkdir()
            (tmp_path / "a" / "stack" / "folder" / "file").touch()
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    for path in (tmp_path / "a").rglob("*"):
        assert not mode(path) & 0o077, path


def test_clean_refuses_while_processes_live_without_supervisord(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "stack"
    folder.claim(home)
    monkeypatch.setenv("VENTAS_HOME", str(home))
    left = subprocess.Popen(["sleep", "300"], env={"VENTAS_STACK": str(home / "test0")})
    try:
        assert main(["clean"]) == 1
        assert f"The stack runs (processes {left.pid})" in capsys.readouterr().err
        assert home.exists()
    finally:
        left.kill()
        left.wait()
    assert main(["clean"]) == 0


def test_folder_for_downloads_becomes_writable_only_by_the_user(tmp_path: Path) -> None:
    cache = tmp_path / "new" / "cache"
    before = os.umask(0)
    try:
        folder.claim_downloads(cache)
    finally:
        os.umask(before)
    assert mode(cache) == 0o700
    cache.chmod(0o777)
    folder.claim_downloads(cache)
    assert mode(cache) == 0o755


def test_folder_for_downloads_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() == 0:
        os.chown(tmp_path, 54321, 54321)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 54321)
    with pytest.raises(FolderError, match=r"belongs to another user.*set VENTAS_CACHE"):
        folder.claim_downloads(tmp_path)


def test_folder_for_downloads_that_cannot_be_made_names_the_variable_to_set(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FolderError, match=r"cannot be created .*: set VENTAS_CACHE"):
        folder.claim_downloads(tmp_path / "file" / "cache")
