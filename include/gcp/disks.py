"""The disk types that go with each machine series.

`disk_types.json` has, for each series of `machine_types.csv`, the types that this project uses, the
default first. It follows the tables of supported disk types on Compute Engine's pages about its
machine families: n2 does not take Hyperdisk Balanced, and c4 and n4 boot from nothing else.
`pd-standard` is left out, which n2 takes too: it is too slow for Druid.
"""

import json
from pathlib import Path
from typing import Final

_PAIRS: Final[dict[str, list[str]]] = json.loads(
    Path(__file__).with_name("disk_types.json").read_text(encoding="utf-8")
)

#: The default disk type of each series.
DEFAULT_TYPES: Final = {series: types[0] for series, types in _PAIRS.items()}


def disk_types(machine_type: str) -> list[str]:
    """Return the disk types that a machine type takes, the default first.

    Raises ValueError for a machine type of a series that this project does not use.
    """
    series = machine_type.partition("-")[0]
    if series not in _PAIRS:
        raise ValueError(
            f"machine type '{machine_type}' must be of one of the series {', '.join(_PAIRS)}"
        )
    return _PAIRS[series]
