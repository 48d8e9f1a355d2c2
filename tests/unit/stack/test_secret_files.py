"""Secret files: only the user may read them, they are written whole, and secrets stay the same."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands.cli import main
from include.stack import airflow, folder, ports, secret_files, security, stack
from include.stack.certificates import Authority
from include.stack.secret_files import DamagedSecretsError
from include.stack.settings import Settings


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_existing_secrets_stay_and_missing_ones_are_added(tmp_path: Path) -> None:
    file = tmp_path / "new" / "secrets.json"
    assert secret_files.kept(file, {"a": lambda: "first"}) == {"a": "first"}
    assert secret_files.kept(file, {"a": lambda: "x", "b": lambda: "second"}) == {
        "a": "first",
        "b": "second",
    }
    assert mode(file) == 0o600


def test_write_makes_a_readable_file_private(tmp_path: Path) -> None:
    file = tmp_path / "open"
    file.touch(0o644)
    secret_files.write(file, "secret")
    assert (mode(file), file.read_text()) == (0o600, "secret")
    secret_files.write(file, "s")
    assert file.read_text() == "s"


def test_secret_is_private_from_its_creation_whatever_the_umask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = []
    fsync = os.fsync

    def look(descriptor: int) -> None:
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    before = os.umask(0)
    try:
        secret_files.write(tmp_path / "security" / "secret", "s")
    finally:
        os.umask(before)
    assert modes == [0o600, 0o700], "the file, then its folder"
    assert mode(tmp_path / "security" / "secret") == 0o600


def test_write_syncs_the_text_before_the_rename_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        found = os.fstat(descriptor)
        is_folder = stat.S_ISDIR(found.st_mode)
        done.append("folder synced" if is_folder else f"{found.st_size} bytes synced")
        fsync(descriptor)

    def renamed(source: Path, target: Path, **options: Any) -> None:
        done.append("renamed")
        replace(source, target, **options)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    secret_files.write(tmp_path / "secret", "all of it")
    assert done == ["9 bytes synced", "renamed", "folder synced"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_write_that_fails_leaves_the_old_secret_and_no_other_file(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret_files.write(tmp_path / "secret", "old")

    def fail(_: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(type(error)):
        secret_files.write(tmp_path / "secret", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]
    assert (tmp_path / "secret").read_text() == "old"


def test_write_replaces_a_link_without_changing_its_target(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "secret").symlink_to(tmp_path / "mine")
    secret_files.write(tmp_path / "secret", "s")
    assert (tmp_path / "mine").read_text() == "mine"
    assert (tmp_path / "secret").read_text() == "s"


DAMAGED = (b"", b"{", b'{"password": ', b"[]", b'{"password": 1}', b'{"password": ""}', b"\xff\xfe")

#: Function that reads each file of secrets.
READERS: dict[str, Callable[[Settings], object]] = {
    "airflow/secrets.json": airflow.password,
    "security/passwords.json": security.passwords,
    "security/inner.json": security.inner,
}


@pytest.mark.parametrize("file", READERS)
@pytest.mark.parametrize("content", DAMAGED, ids=repr)
def test_damaged_file_of_secrets_raises_and_stays_unchanged(
    file: str, content: bytes, tmp_path: Path
) -> None:
    settings = Settings.from_environment({"VENTAS_HOME": str(tmp_path)})
    READERS[file](settings)
    (tmp_path / file).write_bytes(content)
    with pytest.raises(DamagedSecretsError) as told:
        READERS[file](settings)
    assert str(told.value).startswith(f"The secrets in {tmp_path / file} are damaged (")
    assert "`./ventas up`, which makes new secrets" in str(told.value)
    assert len(str(told.value).splitlines()) == 1
    assert (tmp_path / file).read_bytes() == content


@pytest.mark.parametrize("name", ["ca.key", "ca.pem", "druid.pem"])
def test_damaged_key_or_certificate_raises_with_its_name(name: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.server("druid")
    (tmp_path / name).write_text("-----BEGIN")
    with pytest.raises(DamagedSecretsError, match=name):
        # A new server needs the authority's files, an existing server only its own file.
        authority.server("druid" if name == "druid.pem" else "kafka")


def test_damaged_secrets_give_one_sentence_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings.from_environment({"VENTAS_HOME": str(tmp_path / "s")})
    folder.claim(settings.home)
    airflow.password(settings)
    (settings.home / "airflow" / "secrets.json").write_text('{"password": "abc')
    monkeypatch.setenv("VENTAS_HOME", str(settings.home))
    monkeypatch.setattr(ports, "require_free", lambda _: None)
    monkeypatch.setattr(stack, "products", lambda *_: {})
    assert main(["up"]) == 1
    said = capsys.readouterr()
    assert said.err.startswith("ventas: The secrets in ")
    assert said.err.count("\n") == 1
