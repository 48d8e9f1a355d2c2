"""Score «Qué hacer»: plant incidents in simulated sales, and look as the page does.

A history is drawn once for each seed. An incident begins at a Tuesday's noon; the looks are five
minutes apart until one has a finding of the right kind and subject, or the incident ends.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np

from commands.score.cases import Cases, Score
from commands.score.sales import Events, Simulation
from include.page.findings.judge import judge
from include.page.findings.report import Finding
from include.page.findings.rows import APPROVED, CHARGED_BACK, REFUNDED, query_columns
from include.sales.incidents import Plan
from include.sales.local_time import epoch_ms, midnight
from include.sales.market import Market

SCALE: Final = 0.67
"""Sales per second in the mean of the year: about a window's rate."""

HISTORY: Final = timedelta(days=8)
"""Past of each case: at least one earlier day with the same weekday."""

BEGINS: Final = datetime(2026, 9, 29, 15, tzinfo=UTC)
"""A Tuesday's noon, in weeks without holidays, events or another month's seasons."""

EVERY: Final = timedelta(minutes=5)
QUIET_EVERY: Final = timedelta(hours=1)


def score_incidents(
    market: Market, seed: int, cases: Cases, scores: Mapping[str, Score]
) -> Iterator[str]:
    """Add a seed's incidents to their scores; yield each kind before it is scored."""
    if not cases:
        return
    longest = max(timedelta(minutes=float(case["minutos"])) for case in cases.values())
    simulation = Simulation(market, seed, BEGINS - HISTORY, BEGINS + longest, SCALE)
    for kind, case in cases.items():
        yield kind
        subjects = case["sujetos"].split("|")
        subject = subjects[seed % len(subjects)]
        line = f"{kind}; {subject}; {case['tamano']}; 0; {case['minutos']}"
        incident = Plan.read(line, market).begun(BEGINS)
        changed = simulation.with_incident(incident)
        score = scores[kind]
        score.runs += 1
        score.centavos.append(_revenue(changed) - _revenue(simulation.usual))
        others: set[str] = set()
        for look in range(1, round(incident.minutos / (EVERY / timedelta(minutes=1))) + 1):
            findings = _findings(changed, BEGINS + look * EVERY)
            right = [it for it in findings if _names(it, case["hallazgo"], subject)]
            others |= {_key(it) for it in findings if it not in right}
            if right:
                score.found += 1
                score.minutes.append(look * EVERY / timedelta(minutes=1))
                break
        score.false += [f"{seed}: {other}" for other in sorted(others)]


def score_quiet_days(
    market: Market, seed: int, cases: Cases, scores: Mapping[str, Score]
) -> Iterator[str]:
    """Look each hour of some days without incidents; a finding of several looks counts once."""
    for kind, case in cases.items():
        yield kind
        start = midnight(date.fromisoformat(case["desde"]))
        end = start + timedelta(days=int(case["dias"]))
        usual = Simulation(market, seed, start - HISTORY, end, SCALE).usual
        looks = range(1, (end - start) // QUIET_EVERY + 1)
        found = [
            {_key(it) for it in _findings(usual, start + look * QUIET_EVERY)} for look in looks
        ]
        score, false = scores[kind], sorted(set().union(*found))
        score.runs += 1
        score.false += [f"{seed}: {it}" for it in false]
        score.most_false = max(score.most_false, len(false))


def _findings(events: Events, at: datetime) -> list[Finding]:
    return judge(query_columns(events, at), at).findings


def _names(finding: Finding, kind: str, subject: str) -> bool:
    """Return whether a finding is of a kind and names a part of the incident's subject."""
    of = set(finding.subject.values())
    return finding.kind == kind and (not of or bool(of & set(subject.split(" + "))))


def _key(finding: Finding) -> str:
    return " ".join([finding.kind, finding.text, *finding.subject.values()])


def _revenue(events: Events) -> int:
    """Return the approved sales less the returned ones, from the incidents' beginning on."""
    sign = np.select(
        [events.state == APPROVED, np.isin(events.state, (REFUNDED, CHARGED_BACK))], [1, -1], 0
    )
    return int((events.importe * sign)[events.ts >= epoch_ms(BEGINS)].sum())
