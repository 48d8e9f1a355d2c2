"""The test suites of `./ventas test`: what each proves, how long it takes, and what it needs.

This module imports nothing of the project, because the command line imports it for its help.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

Kind = Literal["check", "cores", "broker", "stack", "secure", "apart"]


class Suite(NamedTuple):
    """A test suite: a tool that checks the source, or a folder of `tests/`."""

    kind: Kind
    """`check`: a tool. `cores`: pytest without services, on every core. `broker`: pytest that
    starts a Kafka, after the cores' suites. `stack`: pytest on the tests' stack. `secure`: pytest
    on a secured stack. `apart`: pytest that starts its own services, after the stack's suites.
    """
    seconds: float
    """Wall time on 2 cores with warm caches, within a run of all suites: docs/testing.md."""
    proves: str


SUITES: Final[dict[str, Suite]] = {
    "lint": Suite("check", 1, "ruff: style and common mistakes"),
    "types": Suite("check", 60, "mypy: types of the source and the tests"),
    "unit": Suite("cores", 170, "each module by itself"),
    "dags": Suite("cores", 20, "DAGs parse fast and without look-ups; forms refuse bad input"),
    "changes": Suite("cores", 20, "CONTRIBUTING.md's changes need no file that it does not name"),
    "cloud": Suite("cores", 60, "docs/deploy.md, against stand-ins of Google and Confluent"),
    "stream": Suite("broker", 140, "publisher, ledger and reader against a real Kafka"),
    # First of its stack, as for a new user: the demo's incident must not hide in others' sales.
    "e2e": Suite("stack", 190, "the README's demo, a window with every fault, and a load"),
    "integration": Suite("stack", 150, "modules against real Kafka and Druid"),
    "browser": Suite("stack", 225, "the live page in Chromium"),
    "backfill": Suite("stack", 90, "past days continue live; filled again, they get what is new"),
    "ingestion": Suite("stack", 100, "Druid loses no row, however its tasks end"),
    "recovery": Suite("stack", 200, "a failed task and a lost VM lose nothing"),
    "attack": Suite("stack", 200, "hostile SQL, requests, events and environments do no harm"),
    "sizes": Suite("stack", 60, "Druid starts with the settings of every machine size"),
    "chaos": Suite(
        "stack", 250, "three scenarios of `./ventas chaos`; leaders of three brokers change"
    ),
    "soak": Suite("stack", 30, "the parts of `./ventas soak` and `./ventas bench`"),
    "secure": Suite("secure", 400, "end-to-end with TLS, logins and ACLs; no secret leaks"),
    "compose": Suite("apart", 50, "the Compose file's Kafka image, by its own code"),
    "vm": Suite("apart", 240, "the VM's startup script on Debian (needs root and debootstrap)"),
}

QUICK: Final = ("lint", "types", "unit", "dags", "changes")
DEFAULT: Final = (*QUICK, "stream", "e2e", "integration", "browser")
SELECTIONS: Final[dict[str, tuple[str, ...]]] = {
    "quick": QUICK,
    "full": tuple(SUITES),
}

#: Suites that also run on the secured stack, if `secure` is selected.
END_TO_END: Final = ("e2e", "backfill", "recovery")

#: Suites that run on the second stack, if there is one; the others run on the first.
SECOND_STACK: Final = ("e2e", "backfill", "recovery", "chaos")


class Need(NamedTuple):
    """Time and resources that a selection of suites needs, measured on 2 cores: docs/testing.md."""

    minutes: float
    memory_gib: float
    disk_gib: float


def need(names: Iterable[str]) -> Need:
    """Return the time and resources that the suites need together, on one stack."""
    suites = [SUITES[name] for name in names]
    lane_of = {"check": "check", "cores": "cores", "broker": "cores"}
    lanes = {"check": 0.0, "cores": 0.0, "stack": 0.0}
    for suite in suites:
        lanes[lane_of.get(suite.kind, "stack")] += suite.seconds
    on_stack = lanes["stack"] > 0
    return Need(max(lanes.values()) / 60, 6.0 if on_stack else 2.0, 4.0 if on_stack else 0.5)


def help_text() -> str:
    """Return the table of suites and selections for `./ventas test --help`."""
    rows = [_row("(none)", DEFAULT, "all that a contributor needs")]
    rows += [_row(name, names, _differs(names)) for name, names in SELECTIONS.items()]
    rows += [_row(name, (name,), suite.proves) for name, suite in SUITES.items()]
    return "suites      minutes  memory  what it proves\n" + "\n".join(rows)


def _row(name: str, suites: Sequence[str], proves: str) -> str:
    needed = need(suites)
    return f"  {name:<11}{needed.minutes:>5.1f}  {needed.memory_gib:>2.0f} GiB  {proves}"


def _differs(names: Sequence[str]) -> str:
    if names == QUICK:
        return ", ".join(names)
    return "adds " + ", ".join(name for name in names if name not in DEFAULT)
