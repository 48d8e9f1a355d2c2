"""Argument files and class-data archives, with the real JVM."""

from __future__ import annotations

import gzip
import os
import subprocess
from pathlib import Path

import pytest

from include.stack import java
from include.stack.java import JavaProduct, archive_path, make_archive, write_argument_file


@pytest.fixture
def jar(tmp_path: Path) -> Path:
    jar = tmp_path / "a.jar"
    jar.write_bytes(b"one")
    return jar


def test_java_reads_every_argument_of_the_file_unchanged(tmp_path: Path) -> None:
    odd = "with spaces, #hash, a%sign and an ñ"
    command = write_argument_file(
        tmp_path / "new folder" / "java.args",
        [f"-Dodd={odd}", "-Dnext=1", "-Xshare:off", "-XshowSettings:properties", "-version"],
    )
    assert command[1:] == [f"@{tmp_path / 'new folder' / 'java.args'}"]
    said = subprocess.run(
        command, check=True, capture_output=True, encoding="utf-8", env={"LANG": "C.UTF-8"}
    ).stderr
    assert f"odd = {odd}\n" in said
    assert "next = 1\n" in said


def test_arguments_begin_with_the_archive_and_end_with_extra_folders(tmp_path: Path) -> None:
    product = JavaProduct("druid", (Path("/a.jar"), Path("/b.jar")), Path("/druid.jsa"))
    arguments = product.arguments("org.Main", ["-Xmx1m"], extra=[Path("/conf")])
    assert arguments[0] == "-XX:SharedArchiveFile=/druid.jsa"
    assert arguments[-4:] == ["-Xmx1m", "-cp", "/a.jar:/b.jar:/conf", "org.Main"]
    [log4j] = [a for a in arguments if a.startswith("-Dlog4j")]
    assert Path(log4j.split("=")[1]).is_file()


def test_name_of_the_archive_changes_only_with_the_jars(jar: Path, tmp_path: Path) -> None:
    first = archive_path("kafka", [jar], tmp_path)
    assert archive_path("kafka", [jar], tmp_path) == first
    assert archive_path("druid", [jar], tmp_path) != first
    jar.write_bytes(b"three")
    longer = archive_path("kafka", [jar], tmp_path)
    os.utime(jar, ns=(1, 1))
    assert len({first, longer, archive_path("kafka", [jar], tmp_path)}) == 3


def class_list(folder: Path, text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "CLASS_LISTS", folder)
    (folder / "tiny.txt.gz").write_bytes(gzip.compress(text))


def test_archive_is_made_once_and_replaces_older_ones(
    jar: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class_list(tmp_path, b"java/lang/Object\n", monkeypatch)
    archives = tmp_path / "classes"
    archives.mkdir()
    old, other = archives / "tiny-0123.jsa", archives / "druid-0123.jsa"
    old.touch()
    other.touch()
    product = JavaProduct("tiny", (jar,), archives / "tiny-4567.jsa")
    make_archive(product)
    assert sorted(archives.iterdir()) == [other, product.archive]
    made = product.archive.stat().st_mtime_ns
    make_archive(product)
    assert product.archive.stat().st_mtime_ns == made


def test_failed_archive_raises_with_the_reason_and_leaves_no_files(
    jar: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class_list(tmp_path, b"this is no class list\n", monkeypatch)
    product = JavaProduct("tiny", (jar,), tmp_path / "classes" / "tiny-1.jsa")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        make_archive(product)
    assert "class list format error" in refused.value.stdout + refused.value.stderr
    assert list((tmp_path / "classes").iterdir()) == []
