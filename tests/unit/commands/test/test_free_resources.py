from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from commands.test import free_resources
from commands.test.free_resources import free

GIB = 2**30


@pytest.mark.parametrize(
    ("line", "file", "content", "limit"),
    [
        ("0::/lab", "lab/memory.max", str(2 * GIB), 2.0),
        ("0::/lab", "memory.max", str(3 * GIB), 3.0),
        ("4:memory:/lab", "memory/lab/memory.limit_in_bytes", str(GIB), 1.0),
        ("0::/lab", "lab/memory.max", "max", None),
        ("5:cpuset:/", "memory.max", str(GIB), None),
    ],
)
def test_free_memory_is_limited_by_the_cgroup(
    line: str,
    file: str,
    content: str,
    limit: float | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "cgroup").write_text(f"{line}\n")
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(f"{content}\n")
    monkeypatch.setattr(free_resources, "_CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(free_resources, "_MOUNT", tmp_path)
    monkeypatch.setattr(
        psutil,
        "virtual_memory",
        lambda: type("Memory", (), {"available": 100 * GIB}),
    )
    found = free(tmp_path)
    assert found.memory_gib == (limit or 100.0)
    assert found.cores >= 1
    assert found.disk_gib > 0
