"""The demo's past: days filled on the demand curve, and an incident of business that lasts now.

The back-fill's DAG fills them while the window sells; both have the incident. The seed and the
scale are always the same, so a second demo on the same stack only continues the past.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from include.names import BACKFILL_DAG, LEDGER_TOPIC, RECONCILE_TASK
from include.page.findings.report import Finding, Report
from include.page.reports.formats import Formats
from include.page.reports.render import sentences
from include.sales.backfill import past_days
from include.sales.incidents import Incident
from include.sales.local_time import epoch_ms
from include.sales.sale_line import value_text
from include.stack import airflow, security
from include.stack.airflow_api import ENDED, AirflowApi
from include.stack.settings import Settings
from include.stream.ledger import read_run
from include.texts import in_terminal_language, terminal_language, terminal_text

SEED: Final = 2026

SCALE: Final = 0.2
"""Sales per second in the mean of the year: some 470,000 events in fifteen days.

Druid reads them at the pace of two cores that also run Kafka, Airflow and the window. At the
window's own rate, three times as high, that would take longer than 40 s."""

RATE: Final = 15_000
"""Events per second of each of the back-fill's two tasks: together, about what Druid reads.

If they were faster, the live sales would wait longer in Kafka behind the filled days."""

_LINE: Final = "emisor_caido; credito; 90"
"""Kind, subject and size of the incident, which «Qué hacer» finds at any hour.

From three to six in the morning some 75 sales begin in an hour. With credit cards of Visa alone and
80 %, it was not found in 14 of 120 simulated nights; so, in none of 240."""

BEGAN: Final = 55
"""Minutes before the back-fill at which the incident begins: approval is judged by an hour."""

LASTS: Final = 180
"""Minutes of the incident."""

LIVE_INCIDENT: Final = f"{_LINE}; 0; {LASTS - BEGAN}"
"""The incident's second part, as a line of the window's form."""

_MINUTE: Final = timedelta(minutes=1)

#: Seconds that the back-fill may take after the window has ended.
_MARGIN: Final = 600.0


class History:
    """A triggered back-fill of the last days and of today's hours until now."""

    def __init__(self, api: AirflowApi, settings: Settings, days: int) -> None:
        """Trigger the back-fill of so many days."""
        self._api = api
        self._settings = settings
        self._was_paused = bool(api.dag(BACKFILL_DAG)["is_paused"])
        now = datetime.now(UTC)
        self._days = past_days(now, days, today=True)
        after = (now - self._days[0].start) // _MINUTE - BEGAN
        conf = {
            "days": days,
            "until_now": True,
            "scale": SCALE,
            "load_rate": RATE,
            "seed": SEED,
            "incidents": [f"{_LINE}; {after}; {LASTS}"],
            "keep_vm": True,
        }
        api.set_paused(BACKFILL_DAG, False)
        self.run = api.trigger(BACKFILL_DAG, conf)
        self.state = ""
        """State of the run, once it has ended."""
        self._equal = False
        """Whether Druid equals the ledger, as far as the demo has looked."""

    def look(self, say: Callable[[str], None]) -> None:
        """Say that Druid equals the ledger, or that the run failed, if new since the last look."""
        if self.state:
            return
        # The task's result is there only if all is equal; the run itself goes on for some seconds.
        found = None if self._equal else self._api.xcom(BACKFILL_DAG, self.run, RECONCILE_TASK)
        if found:
            self._equal = True
            events = Formats(terminal_language()).count(found["in_druid"])
            say(terminal_text("cli.demo.history.ended", events=events))
        state = self._api.run_state(BACKFILL_DAG, self.run)
        if state not in ENDED:
            return
        self.state = state
        # The user decides whether the DAG runs, so the demo restores its pause.
        self._api.set_paused(BACKFILL_DAG, self._was_paused)
        if state != "success":
            say(terminal_text("cli.demo.history.failed", run=self.run, state=state))

    def wait(self, say: Callable[[str], None]) -> bool:
        """Wait until the run ends, and return whether it succeeded, so Druid equals the ledger."""
        self._api.wait_for_end(BACKFILL_DAG, self.run, _MARGIN)
        self.look(say)
        return self.state == "success"

    def incident(self) -> Incident | None:
        """Return the last incident of the past, as the ledger has it; None without incident.

        After a second demo it is that of the first one, unless that had ended.
        """
        config = security.kafka_config(self._settings)
        runs = (day.corrida(SEED, SCALE) for day in reversed(self._days[-2:]))
        planted = (read_run(config, LEDGER_TOPIC, run).incidents for run in runs)
        return next((incidents[-1] for incidents in planted if incidents), None)

    def sentences(self) -> list[str]:
        """Return what was planted, and what the page says about it."""
        incident = self.incident()
        if incident is None:
            return []
        language = terminal_language()
        formats = Formats(language)
        begins = datetime.fromisoformat(incident.desde)
        ends = begins + timedelta(minutes=incident.minutos)
        hours = {"first": formats.hour(epoch_ms(begins)), "last": formats.hour(epoch_ms(ends))}
        size = formats.count(incident.tamano)
        with in_terminal_language():
            what = " ".join(value_text("pago", part) for part in _parts(incident))
        planted = terminal_text("cli.demo.history.planted", what=what, size=size, **hours)
        seen = min(ends, datetime.now(UTC))
        # With an end, the printed address shows this report later, too.
        until = f"?hasta={seen:%Y-%m-%dT%H:%MZ}"
        report = msgspec.json.decode(self._api.page(f"findings{until}"), type=Report)
        if found := finding_about(report.findings, incident):
            title, body = sentences(found, language)
            return [planted, terminal_text("cli.demo.history.named", title=title, body=body)]
        page = f"{self._settings.url('airflow')}{airflow.PAGE}{until}"
        at = formats.hour(epoch_ms(seen))
        return [planted, terminal_text("cli.demo.history.not_named", at=at, page=page)]


def finding_about(findings: Sequence[Finding], incident: Incident) -> Finding | None:
    """Return the first finding about all or a part of an incident's subject."""
    parts = set(_parts(incident))
    return next((it for it in findings if parts & set(it.subject.values())), None)


def _parts(incident: Incident) -> list[str]:
    return incident.sujeto.split(" + ")
