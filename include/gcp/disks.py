"""The disk types that go with each machine series.

`disk_types.json` has, for each series of `machine_types.csv`, the types that the VM may have, the
default first. It follows the tables "Supported disk types" of Compute Engine's pages about its
machine families: n2 has no Hyperdisk Balanced; c4 and n4 have nothing else that can boot.
"""

import json
from pathlib import Path
from typing import Final

_PAIRS: Final[dict[str, list[str]]] = json.loads(
    Path(__file__).with_name("disk_types.json").read_text(encoding="utf-8")
)


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
