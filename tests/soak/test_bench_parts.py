"""Parts of the benchmark, run for real with a small size."""

from pathlib import Path

from commands.bench.parts import PARTS, run_part
from include.stack.settings import Settings


def test_generation_reports_its_rate_and_grows_by_less_than_20_mb(
    stack: Settings, tmp_path: Path
) -> None:
    found = run_part(PARTS["generate"], stack, tmp_path, size=PARTS["generate"].quick, addresses=())
    assert found["events"] >= 300_000
    assert found["per_second"] > 10_000
    assert found["rss_mb_at_the_end"] < found["rss_mb_at_a_tenth"] + 20


def test_load_part_reports_its_events_and_rate(
    stack: Settings, kafka_config: dict[str, str], topic_suffix: str, tmp_path: Path
) -> None:
    addresses = ["--kafka", kafka_config["bootstrap.servers"], "--topic", f"bench-{topic_suffix}"]
    found = run_part(PARTS["load"], stack, tmp_path, size=PARTS["load"].quick, addresses=addresses)
    assert found["events"] >= 300_000
    assert 0 < found["warmup_events"] < found["events"]
    assert found["per_second"] > 1000
