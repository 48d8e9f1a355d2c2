"""Example measurements of a stage of the page's benchmark."""

from typing import Any

from commands.bench.page_cpu import KINDS

LOOKS = {
    "looks": 100,
    "failed": 0,
    "p50_ms": 60.0,
    "p95_ms": 150.0,
    "p99_ms": 170.0,
    "max_ms": 400.0,
    "age_p95_s": 1.2,
}
SPREAD = {"times": 5, "p50_s": 1.0, "p95_s": 1.4, "max_s": 1.5}
COST = {"per_s": 8.5, "cpu_ms": {"all": 70.0, **dict.fromkeys(KINDS, 10.0)}}
LEVEL = {"viewers": 50, **LOOKS, "p95_ms": 300.0, **COST, "findings": LOOKS}
STAGE: dict[str, Any] = {
    "past": 5,
    "rate": 0.67,
    "events": 5_249_570,
    "segments": 31,
    "ranges": [{"rango": "1h", "filtered": True, "kind": "first", **LOOKS}],
    "api": {**LOOKS, **COST},
    "api_findings": LOOKS,
    "explore": {**LOOKS, "p95_ms": 250.0},
    "levels": [{**LEVEL, "viewers": 10}, LEVEL],
    "most_held": LEVEL,
    "viewers": LEVEL,
    "first_minutes": {**LOOKS, "p95_ms": 380.0, "first_ms": 390.0},
    "first_paint": SPREAD,
    "first_paint_again": SPREAD,
    "first_paint_in_airflow": SPREAD,
    "event_on_screen": {"browser": True, **SPREAD, "max_s": 2.1},
}
