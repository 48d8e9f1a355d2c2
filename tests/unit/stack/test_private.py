"""Files of secrets: nobody else may read them, and what is in one stays."""

import stat
from pathlib import Path

from include.stack import private


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_a_secret_is_made_once_and_a_new_one_is_added(tmp_path: Path) -> None:
    file = tmp_path / "new" / "secrets.json"
    assert private.kept(file, {"a": lambda: "first"}) == {"a": "first"}
    assert private.kept(file, {"a": lambda: "x", "b": lambda: "second"}) == {
        "a": "first",
        "b": "second",
    }
    assert mode(file) == 0o600


def test_a_file_that_others_could_read_is_private_once_it_holds_a_secret(tmp_path: Path) -> None:
    file = tmp_path / "open"
    file.touch(0o644)
    private.write(file, "secret")
    assert (mode(file), file.read_text()) == (0o600, "secret")
    private.write(file, "s")
    assert file.read_text() == "s"
