"""The scan for secrets finds secrets; otherwise its use in other tests would prove nothing."""

from pathlib import Path

from tests.support.scan import Found, names_in, scan_files

SECRETS = {"password": b"s3cret-of-kafka", "key": b"PRIVATE KEY-----"}


def test_file_with_a_secret_is_found_with_its_mode(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "task.log").write_text('{"sasl.password": "s3cret-of-kafka"}')
    (tmp_path / "server.pem").write_text("-----BEGIN PRIVATE KEY-----")
    (tmp_path / "server.pem").chmod(0o600)
    (tmp_path / "clean").write_text("s3cret-of-nobody")
    assert scan_files(tmp_path, SECRETS) == [
        Found("logs/task.log", frozenset({"password"}), private=False),
        Found("server.pem", frozenset({"key"}), private=True),
    ]


def test_secret_across_two_parts_is_found() -> None:
    assert names_in([b"...s3cret-", b"of-kafka..."], SECRETS) == {"password"}
    assert names_in([b"...s3cret-", b"of-nobody..."], SECRETS) == frozenset()
