"""The lock file, and the handling of jars that differ from it. Maven is a small local server."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from jgo.maven._core import DEFAULT_REMOTE_REPOS

from include.stack.jars import PRODUCTS, JarError, LockedJar, fetch, read_lock, write_lock
from include.stack.ports import free_ports
from tests.support.http_server import Answer, Request, serving

CONTENT = b"PK" + bytes(range(256)) * 16
JAR = LockedJar("druid", "ar.ventas", "small", "1.0", hashlib.sha256(CONTENT).hexdigest())
PATH = "/ar/ventas/small/1.0/small-1.0.jar"


class Maven:
    """A Maven repository with one jar, which counts downloads and can interrupt them."""

    def __init__(self) -> None:
        self.downloads = 0
        self.broken = 0

    def answer(self, request: Request) -> Answer:
        if request.target == f"{PATH}.sha1":
            return Answer(200, hashlib.sha1(CONTENT, usedforsecurity=False).hexdigest().encode())
        if request.target != PATH:
            return Answer(404)
        self.downloads += 1
        sent = CONTENT[: len(CONTENT) // 2] if self.downloads <= self.broken else CONTENT
        return Answer(200, sent, {"Content-Length": str(len(CONTENT))})


@pytest.fixture
def maven(monkeypatch: pytest.MonkeyPatch) -> Iterator[Maven]:
    maven = Maven()
    with serving(maven.answer) as url:
        monkeypatch.setitem(DEFAULT_REMOTE_REPOS, "central", url)
        yield maven


def test_lock_file_is_complete_and_sorted(tmp_path: Path) -> None:
    locked = read_lock()
    assert {jar.product for jar in locked} == set(PRODUCTS)
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) for jar in locked)
    names = [(jar.product, jar.group, jar.artifact) for jar in locked]
    assert len(names) == len(set(names)), "two versions of a jar on one class path"
    # The file is as `write_lock` writes it, so nobody has edited it by hand.
    write_lock(locked, tmp_path / "again.lock")
    assert read_lock(tmp_path / "again.lock") == locked
    versions = {(jar.artifact, jar.version) for jar in locked}
    assert {("druid-services", "33.0.0"), ("kafka_2.13", "4.3.1")} <= versions


def test_jar_is_fetched_once_and_then_read_from_the_cache(maven: Maven, tmp_path: Path) -> None:
    seen: list[LockedJar] = []
    paths = fetch([JAR], tmp_path, seen.append)
    assert paths == {"compiler": [], "druid": [tmp_path / PATH[1:]], "kafka": []}
    assert fetch([JAR], tmp_path) == paths
    assert (maven.downloads, seen) == (1, [JAR])


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(CONTENT[:-1], id="truncated"),
        pytest.param(CONTENT[:-1] + b"!", id="altered"),
        pytest.param(b"", id="empty"),
    ],
)
def test_damaged_jar_in_the_cache_is_fetched_again(
    maven: Maven, tmp_path: Path, damage: bytes
) -> None:
    cached = tmp_path / PATH[1:]
    cached.parent.mkdir(parents=True)
    cached.write_bytes(damage)
    [path] = fetch([JAR], tmp_path)["druid"]
    assert path.read_bytes() == CONTENT
    assert maven.downloads == 1


def test_interrupted_download_is_retried(maven: Maven, tmp_path: Path) -> None:
    maven.broken = 1
    [path] = fetch([JAR], tmp_path)["druid"]
    assert path.read_bytes() == CONTENT


def test_jar_that_differs_from_the_lock_is_removed_from_the_cache(
    maven: Maven, tmp_path: Path
) -> None:
    with pytest.raises(JarError, match=r"^ar\.ventas:small:1\.0 has SHA-256 .*after 3 tries"):
        fetch([replace(JAR, sha256="0" * 64)], tmp_path)
    assert maven.downloads == 3
    assert not (tmp_path / PATH[1:]).exists()


def test_jar_that_maven_does_not_have_is_named(maven: Maven, tmp_path: Path) -> None:
    with pytest.raises(JarError, match=r"^ar\.ventas:large:1\.0 could not be fetched"):
        fetch([JAR, replace(JAR, artifact="large")], tmp_path)


def test_without_network_the_error_mentions_the_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [closed] = free_ports(1)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed}")
    with pytest.raises(JarError, match=r"small:1\.0 could not be fetched .*connection to Maven"):
        fetch([JAR], tmp_path)
