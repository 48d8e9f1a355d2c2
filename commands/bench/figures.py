"""The benchmark's figures, their targets, and their computation from the parts' measurements."""

import re
from collections.abc import Mapping, Sequence
from math import inf
from statistics import median
from typing import Any, Final, NamedTuple

import numpy as np

from include.texts import terminal_text

Sample = tuple[float, float]
"""A time in seconds, and the number of rows or events at that time."""


class Figure(NamedTuple):
    """A figure of the result, with its target."""

    key: str
    form: str
    """Format string of the value, for `str.format`."""
    at_least: float = -inf
    at_most: float = inf

    @property
    def title(self) -> str:
        return terminal_text(f"cli.bench.figures.{self.key}")

    def is_met(self, value: float) -> bool:
        return self.at_least <= value <= self.at_most

    @property
    def target(self) -> str:
        """The target as text; empty without a target."""
        if self.at_least > -inf:
            return f"≥ {self.form.format(self.at_least)}"
        return f"≤ {self.form.format(self.at_most)}" if self.at_most < inf else ""


FIGURES: Final = (
    Figure("load_vs_perf_test", "{:.2f}", at_least=1),
    Figure("load_vs_faker", "{:.0f}", at_least=50),
    Figure("generate_per_core_s", "{:.0f}", at_least=400_000),
    Figure("druid_vs_drain", "{:.2f}", at_least=0.9),
    Figure("cadence_p99_ms", "{:.1f}", at_most=5),
    Figure("producer_cpu_pct", "{:.2f}", at_most=1),
    Figure("producer_rss_mb", "{:.0f}"),
    Figure("page_first_paint_s", "{:.2f}", at_most=2),
    Figure("page_api_p95_ms", "{:.0f}", at_most=200),
    Figure("page_explore_p95_ms", "{:.0f}", at_most=300),
    Figure("page_event_on_screen_s", "{:.2f}", at_most=2.5),
    Figure("page_viewers_p95_ms", "{:.0f}", at_most=400),
    Figure("page_crowding", "{:.2f}", at_most=3),
    Figure("page_viewers_held", "{:.0f}", at_least=50),
    Figure("page_first_minutes_p95_ms", "{:.0f}", at_most=400),
    Figure("page_growth", "{:.2f}", at_most=1.2),
    Figure("page_cpu_ms", "{:.1f}"),
    Figure("page_cpu_growth", "{:.2f}", at_most=1.2),
)

_PERF_TEST = re.compile(r"^\d+ (?:steady state )?records sent, ([\d.]+) records/sec .*th\.$", re.M)


def result(measured: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, float | None]:
    """Return each figure by its key; None if a part that it needs did not run.

    `measured` has the reports of each part's runs, by the part's name.
    """
    rates = {
        part: median(run["per_second"] for run in runs)
        for part, runs in measured.items()
        if all("per_second" in run for run in runs)
    }

    def reported(part: str, key: str) -> float | None:
        return measured[part][-1][key] if part in measured else None

    found = {
        "load_vs_perf_test": _ratio(rates, "load", "perf_test"),
        "load_vs_faker": _ratio(rates, "load", "faker"),
        "generate_per_core_s": rates.get("generate"),
        "druid_vs_drain": reported("druid", "sustained_vs_drain"),
        "cadence_p99_ms": reported("cadence", "p99_ms"),
        "producer_cpu_pct": reported("cadence", "cpu_pct"),
        "producer_rss_mb": reported("cadence", "rss_mb"),
        **{
            figure.key: reported("page", figure.key.removeprefix("page_"))
            for figure in FIGURES
            if figure.key.startswith("page_")
        },
    }
    return {key: None if value is None else round(value, 3) for key, value in found.items()}


def _ratio(rates: Mapping[str, float], part: str, other: str) -> float | None:
    return rates[part] / rates[other] if part in rates and other in rates else None


def perf_test_rate(output: str) -> float:
    """Return the records per second of producer-perf-test's last summary.

    Raises `ValueError` with the end of the output if it has no summary.
    """
    summaries = _PERF_TEST.findall(output)
    if not summaries:
        raise ValueError(f"The output of producer-perf-test has no summary: {output[-500:]!r}")
    return float(summaries[-1])


def percentile(values: Sequence[float], percent: float) -> float:
    """Return a percentile, interpolated between values."""
    return float(np.percentile(values, percent))


def drain_rate(samples: Sequence[Sample], total: int) -> float:
    """Return the rows per second between a fifth of `total` and all of it."""
    began, before = next(sample for sample in samples if sample[1] >= total / 5)
    ended, after = next(sample for sample in samples if sample[1] >= total)
    return (after - before) / (ended - began)


def deviations_ms(times: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """Return how far each time is from the plan, in milliseconds; both arguments are in seconds.

    The plan begins at the first time; `gaps` has the planned seconds before each of the others.
    """
    planned = times[0] + np.cumsum(gaps)
    deviations: list[float] = np.abs((np.array(times[1:]) - planned) * 1000).tolist()
    return deviations
