"""The stack's Druid extension: when it is compiled, and against which jars."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from include.stack import extension, security


class Compiler:
    """A fake Java compiler that writes a class file and records its calls."""

    def __init__(self, *, error: str = "") -> None:
        self.calls: list[list[str]] = []
        self._error = error

    def __call__(self, command: list[str], **_: object) -> None:
        arguments = Path(command[1][1:]).read_text(encoding="utf-8").splitlines()
        self.calls.append([argument.strip('"') for argument in arguments])
        if self._error:
            raise subprocess.CalledProcessError(1, command, stderr=self._error)
        classes = Path(self.calls[-1][self.calls[-1].index("-d") + 1])
        (classes / "ventas").mkdir(parents=True)
        (classes / "ventas" / "StackKey.class").touch()


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> Compiler:
    compiler = Compiler()
    monkeypatch.setattr(subprocess, "run", compiler)
    return compiler


def compiled(cache: Path) -> list[str]:
    extension.compile_it([Path("/ecj.jar")], [Path("/a.jar"), Path("/b.jar")], cache)
    folder = extension.folder(cache)
    return sorted(it.relative_to(folder).as_posix() for it in folder.rglob("*") if it.is_file())


def test_extension_is_compiled_once_against_the_jars_of_druid(
    compiler: Compiler, tmp_path: Path
) -> None:
    module = "META-INF/services/org.apache.druid.initialization.DruidModule"
    for _ in range(2):
        assert compiled(tmp_path) == [module, "ventas/StackKey.class"]
    [arguments] = compiler.calls
    assert arguments[:2] == ["-cp", "/ecj.jar"]
    assert "/a.jar:/b.jar" in arguments
    assert arguments[-1].endswith("StackKey.java")
    named = (extension.folder(tmp_path) / module).read_text(encoding="utf-8")
    assert named.strip() == "ventas.StackKey"


def test_changed_source_is_compiled_again(
    compiler: Compiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled(tmp_path)
    changed = tmp_path / "changed"
    shutil.copytree(extension._SOURCES, changed)
    with (changed / "StackKey.java").open("a", encoding="utf-8") as source:
        source.write("// changed\n")
    monkeypatch.setattr(extension, "_SOURCES", changed)
    compiled(tmp_path)
    assert len(compiler.calls) == 2


def test_failed_compilation_leaves_no_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "run", Compiler(error="line 1: no"))
    with pytest.raises(subprocess.CalledProcessError) as refused:
        compiled(tmp_path)
    assert refused.value.stderr == "line 1: no"
    assert [*(tmp_path / "classes").iterdir()] == []


def test_result_of_a_faster_stack_is_used_without_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = Compiler()

    def slow(command: list[str], **how: object) -> None:
        compiler(command, **how)
        target = extension.folder(tmp_path)
        if not target.exists():
            (target / "ventas").mkdir(parents=True)
            (target / "ventas" / "StackKey.class").touch()

    monkeypatch.setattr(subprocess, "run", slow)
    assert compiled(tmp_path) == ["ventas/StackKey.class"]


def test_extension_checks_the_header_that_the_proxy_sends() -> None:
    source = (extension._SOURCES / "StackKey.java").read_text(encoding="utf-8")
    assert f'HEADER = "{security.KEY_HEADER}"' in source
    assert 'new NamedType(KeySender.class, "ventas")' in source
