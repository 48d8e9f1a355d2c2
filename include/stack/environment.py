"""The environment that the stack's processes start from: little of the user's own.

A shell may have settings for another Airflow, another Java or another Python, or a web proxy, that
would change what the stack does or would be sent its passwords. What the stack itself sets comes
on top (`airflow.environment`, `security.variables`).
"""

import os
from collections.abc import Mapping, MutableMapping
from typing import Final

from include.stack.settings import HOST

#: Who the user is, the language, the time zone, and where programs, libraries and temporary files
#: are.
_KEPT: Final = frozenset(
    (
        *("HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ"),
        *("PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    )
)

#: The locale's parts, a collector of metrics, and what the processor needs of a numeric library.
_KEPT_PREFIXES: Final = ("LC_", "OTEL_", "OPENBLAS_")

_NO_PROXY: Final = ("NO_PROXY", "no_proxy")


def own(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what a process of the stack has of the user's environment."""
    return {
        name: value
        for name, value in environment.items()
        if name in _KEPT or name.startswith(_KEPT_PREFIXES)
    }


def keep_loopback_from_proxies(environment: MutableMapping[str, str] = os.environ) -> None:
    """Add the loopback addresses to what this process asks no web proxy for.

    The proxy itself stays: the download of the jars may need it.
    """
    given = [environment[name] for name in _NO_PROXY if environment.get(name)]
    for name in _NO_PROXY:
        environment[name] = ",".join([*given, HOST, "localhost", "::1"])
