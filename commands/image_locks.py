"""Write the lists of packages of the images in `deploy/`, out of the whole project's lock.

requirements.txt also pins the local stack's and the tests' tools, which an image does not need. Its
comments (``# via``) say which package needs which, so nothing has to be resolved again: an image
gets the versions, and the hashes, that the tests ran with.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from include.stack.settings import ROOT

#: Packages that Astronomer's Runtime and Composer's image bring, in versions of their own.
BASE: Final = "apache-airflow"

_HEADER: Final = "# `./ventas docs` writes this file, out of requirements.txt.\n"
_PINNED = re.compile(
    r"^(?P<name>[a-z0-9][a-z0-9.-]*)(?P<version>==[^\\\n]*?) \\\n(?P<hashes>(?:    --hash.*\n)+)"
    r"(?P<via>(?:    #.*\n)+)",
    re.MULTILINE,
)


class Pinned(NamedTuple):
    """A package of the lock; one name may have several, each for other versions of Python."""

    name: str
    requirement: str
    """Name, version and environment marker."""
    text: str
    """The requirement with its hashes, as the lock has it."""
    needed_by: frozenset[str]


def files() -> Mapping[Path, str]:
    """Return the text that each image's list should have."""
    lock = read((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    direct = first_section((ROOT / "requirements.in").read_text(encoding="utf-8"))
    everything, base = closure(lock, direct), closure(lock, [BASE])
    return {
        ROOT / "deploy" / "image" / "requirements.txt": _HEADER
        + "".join(one.text for one in lock if one.name in everything),
        ROOT / "deploy" / "astronomer" / "requirements.txt": _HEADER
        + "".join(f"{one.requirement}\n" for one in lock if one.name in everything - base),
    }


def read(lock: str) -> list[Pinned]:
    """Return the packages of a lock that uv wrote with hashes and its comments."""
    return [
        Pinned(
            found["name"],
            found["name"] + found["version"].rstrip(),
            f"{found['name']}{found['version']} \\\n{found['hashes']}",
            frozenset(re.findall(r"# +(?:via )?(?!via$)(\S.*)$", found["via"], re.MULTILINE)),
        )
        for found in _PINNED.finditer(lock)
    ]


def first_section(requirements: str) -> list[str]:
    """Return the names of requirements.in's first section, which ends with an empty line."""
    lines = requirements.partition("\n\n")[0].splitlines()
    return [re.split(r"[\[=]", line)[0].lower() for line in lines if not line.startswith("#")]


def closure(lock: Iterable[Pinned], names: Iterable[str]) -> set[str]:
    """Return the names, with those of all packages that they need."""
    found, before = set(names), set[str]()
    while found != before:
        before = set(found)
        found |= {one.name for one in lock if one.needed_by & before}
    return found
