"""The figures that are computed from the parts' measurements."""

import pytest

from commands.bench.figures import (
    FIGURES,
    deviations_ms,
    drain_rate,
    percentile,
    perf_test_rate,
    result,
)

#: Output of producer-perf-test of Kafka 4.3, with `--warmup-records`.
PERF_TEST = """\
168841 records sent, 168841.0 records/sec (90.27 MB/sec), 102.4 ms avg latency, \
512.0 ms max latency.
300000 records sent, 231303.007 records/sec (123.66 MB/sec), 87.97 ms avg latency, 512.00 ms max \
latency, 36 ms 50th, 298 ms 95th, 401 ms 99th, 411 ms 99.9th.
250848 steady state records sent, 398804.452 records/sec (213.2 MB/sec), 30.01 ms avg latency, \
95.00 ms max latency, 27 ms 50th, 60 ms 95th, 78 ms 99th, 90 ms 99.9th.
"""


def test_perf_test_rate_is_that_of_the_last_summary() -> None:
    assert perf_test_rate(PERF_TEST) == 398804.452
    assert perf_test_rate(PERF_TEST.rsplit("250848", 1)[0]) == 231303.007


@pytest.mark.parametrize("output", ["", PERF_TEST.splitlines()[0], "org.apache.kafka.Error: no"])
def test_perf_test_output_without_a_summary_raises(output: str) -> None:
    with pytest.raises(ValueError, match="no summary"):
        perf_test_rate(output)


def test_ratios_are_computed_from_medians() -> None:
    found = result(
        {
            "load": [{"per_second": rate} for rate in (100, 400, 300)],
            "perf_test": [{"per_second": rate} for rate in (200, 600, 100)],
            "faker": [{"per_second": 6}],
        }
    )
    assert (found["load_vs_perf_test"], found["load_vs_faker"]) == (1.5, 50)


def test_each_figure_has_a_key_and_is_none_if_not_measured() -> None:
    assert [figure.key for figure in FIGURES] == list(result({}))
    assert set(result({}).values()) == {None}
    found = result(
        {
            "generate": [{"per_second": 500_000.0}],
            "druid": [{"sustained_vs_drain": 0.94321}],
            "cadence": [{"p99_ms": 1.5, "cpu_pct": 0.2, "rss_mb": 80.0}],
            "page": [
                {
                    "first_paint_s": 1.2,
                    "api_p95_ms": 150.0,
                    "explore_p95_ms": 250.0,
                    "event_on_screen_s": 2.5,
                    "viewers_p95_ms": 310.0,
                    "crowding": 2.1,
                    "viewers_held": 50,
                    "first_minutes_p95_ms": None,
                    "growth": None,
                    "cpu_ms": 31.5,
                    "cpu_growth": None,
                }
            ],
        }
    )
    assert found == {
        "load_vs_perf_test": None,
        "load_vs_faker": None,
        "generate_per_core_s": 500_000,
        "druid_vs_drain": 0.943,
        "cadence_p99_ms": 1.5,
        "producer_cpu_pct": 0.2,
        "producer_rss_mb": 80,
        "page_first_paint_s": 1.2,
        "page_api_p95_ms": 150,
        "page_explore_p95_ms": 250,
        "page_event_on_screen_s": 2.5,
        "page_viewers_p95_ms": 310,
        "page_crowding": 2.1,
        "page_viewers_held": 50,
        "page_first_minutes_p95_ms": None,
        "page_growth": None,
        "page_cpu_ms": 31.5,
        "page_cpu_growth": None,
    }


def test_target_is_a_minimum_a_maximum_or_missing() -> None:
    figures = {figure.key: figure for figure in FIGURES}
    ratio, cadence = figures["load_vs_perf_test"], figures["cadence_p99_ms"]
    assert (ratio.is_met(1.0), ratio.is_met(0.99), ratio.target) == (True, False, "≥ 1.00")
    assert (cadence.is_met(5.0), cadence.is_met(5.1), cadence.target) == (True, False, "≤ 5.0")
    memory = figures["producer_rss_mb"]
    assert (memory.is_met(10_000), memory.target) == (True, "")


def test_percentile_is_interpolated_between_values() -> None:
    assert percentile([4, 1, 3, 2], 50) == 2.5
    assert percentile(range(101), 99) == 99


def test_drain_rate_is_measured_from_a_fifth_of_the_rows_to_all() -> None:
    samples = [(0.0, 0), (1.0, 150), (2.0, 200), (4.0, 600), (6.0, 1000), (9.0, 1000)]
    assert drain_rate(samples, 1000) == 200


def test_deviations_are_measured_from_the_plan_of_the_first_sale() -> None:
    found = deviations_ms([100.0, 101.002, 102.999], gaps=[1.0, 2.0])
    assert found == pytest.approx([2, 1])
