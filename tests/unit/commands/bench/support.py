"""Example measurements of a stage of the page's benchmark."""

from typing import Any

LOOKS = {
    "looks": 100,
    "failed": 0,
    "p50_ms": 60.0,
    "p95_ms": 150.0,
    "max_ms": 400.0,
    "age_p95_s": 1.2,
}
SPREAD = {"times": 5, "p50_s": 1.0, "p95_s": 1.4, "max_s": 1.5}
STAGE: dict[str, Any] = {
    "events": 5_249_570,
    "segments": 31,
    "ranges": [{"rango": "1h", "filtered": True, "kind": "first", **LOOKS}],
    "api": LOOKS,
    "api_findings": LOOKS,
    "explore": {**LOOKS, "p95_ms": 250.0},
    "viewers_findings": LOOKS,
    "viewers": {**LOOKS, "p95_ms": 300.0},
    "first_paint": SPREAD,
    "first_paint_again": SPREAD,
    "first_paint_in_airflow": SPREAD,
    "event_on_screen": {"browser": True, **SPREAD, "max_s": 2.1},
}
