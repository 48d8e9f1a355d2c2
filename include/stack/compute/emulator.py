"""Keep the state on disk, drive the process group and follow its real state."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Condition, Thread
from types import TracebackType
from typing import TypeVar

import msgspec

from include.stack.compute.instances import Fleet
from include.stack.compute.process_group import ProcessGroup, ProcessGroupError

log = logging.getLogger(__name__)

T = TypeVar("T")

# Seconds between two looks at the process group: while it changes, and otherwise.
BUSY_INTERVAL = 0.05
IDLE_INTERVAL = 1.0


class StateFileError(Exception):
    """The state file cannot be read; the message says what to do."""


class Emulator:
    """The fleet, its state file and the thread that drives the process group.

    It is a context manager: the thread runs inside the block. The process group goes on after the
    block, and the next emulator finds it as it is.
    """

    def __init__(self, power: ProcessGroup, state_file: Path) -> None:
        self._power = power
        self._state_file = state_file
        self._changed = Condition()
        self._closing = False
        self._trouble = ""
        self._saved = b""
        self._fleet = _load(state_file)
        self._fleet.resume()
        self.apply(lambda _fleet, _now: None)
        self._thread = Thread(target=self._run, name="compute-power", daemon=True)

    def __enter__(self) -> Emulator:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def apply(self, action: Callable[[Fleet, datetime], T]) -> T:
        """Call a function that reads or changes the fleet, and save the fleet before returning."""
        with self._changed:
            result = action(self._fleet, datetime.now(UTC))
            self._save()
            return result

    def _run(self) -> None:
        while True:
            self._step()
            with self._changed:
                settled = all(i.status in ("RUNNING", "TERMINATED") for i in self._fleet.instances)
                if not self._closing:
                    calm = settled or self._trouble
                    self._changed.wait(IDLE_INTERVAL if calm else BUSY_INTERVAL)
                if self._closing:
                    return

    def _step(self) -> None:
        """Start or stop the process group if that is due, then update the fleet from its state.

        The calls to the process group are made without the lock, so that clients can see each
        status meanwhile.
        """
        step = self.apply(lambda fleet, _: fleet.next_step())
        try:
            if step == "start":
                self._power.start()
            elif step == "stop":
                self._power.stop()
        except ProcessGroupError as error:
            message = str(error)
            if step == "start":
                self.apply(lambda fleet, now: fleet.failed(message, now))
            self._report(message)
            return
        if step:
            self.apply(lambda fleet, now: fleet.acknowledge(now))
        try:
            group = self._power.observe()
        except ProcessGroupError as error:
            self._report(str(error))
            return
        self._report("")
        self.apply(lambda fleet, now: fleet.observe(group, now))

    def _report(self, trouble: str) -> None:
        """Log a trouble only when it begins and when it ends."""
        if trouble and trouble != self._trouble:
            log.warning("%s", trouble)
        elif self._trouble and not trouble:
            log.info("This problem is over: %s", self._trouble)
        self._trouble = trouble

    def _save(self) -> None:
        encoded = msgspec.json.format(msgspec.json.encode(self._fleet))
        if encoded == self._saved:
            return
        # The rename is atomic: the file has the old or the new state, never a part of it.
        draft = self._state_file.with_name(self._state_file.name + ".new")
        draft.write_bytes(encoded)
        draft.replace(self._state_file)
        self._saved = encoded
        self._changed.notify_all()


def _load(state_file: Path) -> Fleet:
    state_file.parent.mkdir(parents=True, exist_ok=True)
    encoded = b"{}"
    with suppress(FileNotFoundError):
        encoded = state_file.read_bytes()
    try:
        return msgspec.json.decode(encoded, type=Fleet)
    except msgspec.DecodeError as error:
        raise StateFileError(
            f"The emulator's state file {state_file} is damaged ({error}): "
            "delete it to begin without instances"
        ) from error
