"""Score the kinds with some seeds, print the table, and hold the scores to the bars."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn
from rich.table import Column, Table

from commands.score.business import score_incidents, score_quiet_days
from commands.score.cases import Cases, Part, Score, is_judged
from commands.score.technical import score_faults
from commands.score.why import score_why
from include.page.reports.formats import Formats
from include.sales.market import Market, load_market
from include.texts import terminal_language, terminal_text

BARS: Final[dict[Part, float]] = {"business": 0.90, "why": 0.90, "technical": 0.99}
"""Least part of the runs of all judged kinds that must be found."""

MOST_FALSE: Final = 1
"""Most false findings in days without incidents; each case is a week or less."""

_COLUMNS: Final = ("kind", "runs", "found", "missed", "false", "minutes", "money")

Scorer = Callable[[Market, int, Cases, Mapping[str, Score]], Iterator[str]]
_SCORERS: Final[Mapping[Part, Scorer]] = {
    "business": score_incidents,
    "quiet": score_quiet_days,
    "why": score_why,
    "technical": score_faults,
}


def run_score(console: Console, kinds: Mapping[Part, Cases], seeds: int, *, as_json: bool) -> int:
    """Print the scores; return 1 if a bar is missed."""
    scores = score(kinds, seeds, Console(stderr=True))
    missed = missed_bars(scores)
    if as_json:
        print(msgspec.json.encode({"scores": scores, "missed": missed}).decode())
    else:
        console.print(table(scores))
        for line in missed:
            console.print(line, style="bold red", highlight=False, soft_wrap=True)
    return int(bool(missed))


def score(kinds: Mapping[Part, Cases], seeds: int, console: Console) -> list[Score]:
    """Score every kind with the seeds 1, 2, …; the console shows the progress."""
    scores = {
        part: {kind: Score(part, kind, is_judged(part, case)) for kind, case in cases.items()}
        for part, cases in kinds.items()
    }
    market = load_market()
    with Progress(*Progress.get_default_columns(), TimeElapsedColumn(), console=console) as shown:
        task = shown.add_task("", total=seeds * sum(map(len, kinds.values())))
        for seed in range(1, seeds + 1):
            for part, cases in kinds.items():
                for kind in _SCORERS[part](market, seed, cases, scores[part]):
                    shown.update(task, advance=1, description=f"{seed}/{seeds} {kind}")
    return [score for of_part in scores.values() for score in of_part.values()]


def missed_bars(scores: Sequence[Score]) -> list[str]:
    """Return a sentence for each bar that the scores miss."""
    lines = []
    for part, bar in BARS.items():
        judged = [it for it in scores if it.part == part and it.judged]
        runs = sum(it.runs for it in judged)
        recall = sum(it.found for it in judged) / runs if runs else 1.0
        if recall < bar:
            values = {"part": part, "recall": f"{recall:.1%}", "bar": f"{bar:.0%}"}
            lines.append(terminal_text("cli.score.low_recall", **values))
    return lines + [
        terminal_text("cli.score.false_findings", kind=it.kind, most=it.most_false, runs=it.runs)
        for it in scores
        if it.part == "quiet" and it.most_false > MOST_FALSE
    ]


def table(scores: Iterable[Score]) -> Table:
    """Return the table of the scores, by kind."""
    formats = Formats(terminal_language())
    columns = [terminal_text(f"cli.score.{name}") for name in _COLUMNS]
    shown = Table(columns[0], *(Column(name, justify="right") for name in columns[1:]))
    for it in scores:
        minutes, centavos = it.median_minutes, it.median_centavos
        shown.add_row(
            it.kind,
            str(it.runs),
            *([str(it.found), str(it.missed)] if it.judged else ["–", "–"]),
            str(len(it.false)),
            "–" if minutes is None else formats.count(minutes),
            "–" if centavos is None else formats.short_money(centavos),
        )
    return shown
