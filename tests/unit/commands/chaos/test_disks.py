"""Disks that a harm fills up; the machine's own disk is never filled."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from commands.chaos.disks import filled, small_disk
from include.stack.stack import StackError


def test_folder_that_is_not_a_disk_of_its_own_is_not_filled(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="is not a disk of its own"), filled(tmp_path):
        pytest.fail("the machine's disk was filled")
    assert [*tmp_path.iterdir()] == []


def test_refused_mount_is_reported_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(command: list[str], **_: object) -> None:
        raise subprocess.CalledProcessError(1, command, stderr="mount: only root can do that\n")

    monkeypatch.setattr(subprocess, "run", refuse)
    with pytest.raises(StackError) as refused, small_disk(tmp_path / "disk", 1):
        pytest.fail("a disk was mounted")
    assert "failed (mount: only root can do that): run as root" in str(refused.value)
