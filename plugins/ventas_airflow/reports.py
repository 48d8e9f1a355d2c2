"""The days' reports: a folder, on disk or in a bucket, with a JSON file of numbers for each."""

from __future__ import annotations

import hashlib
import os
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Final

from include.sales.local_time import UTC_OFFSET_HOURS, epoch_ms, moment_of

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

    from include.page.reports.day import DayReport

#: Environment variable with the folder's address, such as
#: `gs://google_cloud_default@BUCKET/reports`, whose part before the `@` is an Airflow connection.
VARIABLE: Final = "VENTAS_REPORTS"

#: Environment variable with the number of days before the latest report whose reports are kept.
KEPT_VARIABLE: Final = "VENTAS_REPORTS_DAYS"

KEPT_DAYS: Final = 90
"""Days without that variable: a quarter, so that a month can be compared with the one before."""

#: A report's name: the local minute until which it reports, and a digest of its run.
_NAME: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{4}-[0-9a-f]{12}")

_DAY_MS: Final = 86_400_000
_END: Final = "%Y-%m-%dT%H%M"
_STORES: Final = timezone(timedelta(hours=UTC_OFFSET_HOURS))


def folder() -> ObjectStoragePath:
    """Return the folder of the reports: `VARIABLE`, else `reports` in Airflow's home."""
    from airflow.sdk import ObjectStoragePath

    home = Path(os.environ.get("AIRFLOW_HOME") or "~/airflow").expanduser()
    return ObjectStoragePath(os.environ.get(VARIABLE) or f"file://{home}/reports")


def write(report: DayReport) -> str:
    """Store a report and return its name; the report of the same run and minute is replaced.

    A reader finds the whole report or none. Reports that end more than the kept days before this
    one are deleted.
    """
    from include.page.reports.day import encode

    run = hashlib.blake2b(report.quality.run.encode(), digest_size=6).hexdigest()
    name = f"{moment_of(report.end).astimezone(_STORES):{_END}}-{run}"
    place = folder()
    place.mkdir(parents=True, exist_ok=True)
    part = place / f"{name}.part"
    part.write_bytes(encode(report))
    part.rename(place / f"{name}.json")
    oldest = report.end - _kept_days() * _DAY_MS
    for old in names():
        if end_of(old) < oldest:
            (place / f"{old}.json").unlink(missing_ok=True)
    return name


def _kept_days() -> int:
    value = os.environ.get(KEPT_VARIABLE) or str(KEPT_DAYS)
    if not value.isdecimal():
        raise ValueError(f"{KEPT_VARIABLE} must be a whole number of days, not {value!r}")
    return int(value)


def names(most: int | None = None) -> list[str]:
    """Return the names of the latest reports, or of all, the latest first."""
    place = folder()
    if not place.exists():
        return []
    stems = (path.name.removesuffix(".json") for path in place.iterdir())
    return sorted(filter(_NAME.fullmatch, stems), reverse=True)[:most]


def end_of(name: str) -> int:
    """Return the moment until which a report of this name reports, epoch milliseconds."""
    end = datetime.strptime(name.rpartition("-")[0], _END)
    return epoch_ms(end.replace(tzinfo=_STORES))


def read(name: str) -> DayReport | None:
    """Return a stored report; None if no report has this name."""
    from include.page.reports.day import decode

    # Only a report's name: any other could lead out of the folder.
    if not _NAME.fullmatch(name):
        return None
    try:
        return decode((folder() / f"{name}.json").read_bytes())
    except FileNotFoundError:
        return None
