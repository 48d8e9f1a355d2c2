"""The environment that the stack's processes start with: almost nothing of the user's.

A shell may hold settings for another Airflow, another Java or another Python, or the address of a
web proxy. They would change what the stack does, or send its passwords to the proxy. The stack's
own variables are added to these (`airflow.environment`, `security.variables`).
"""

import os
from collections.abc import Mapping, MutableMapping
from typing import Final

from include.stack.settings import HOST, Settings

#: Where programs, their libraries and temporary files are.
_KEPT: Final = frozenset(("PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"))

#: The address of a collector of metrics, and which instructions of the processor numpy may use.
_KEPT_PREFIXES: Final = ("OTEL_", "OPENBLAS_")

#: Java reads paths in the locale's encoding, whatever the user's language is. Airflow asks for the
#: name of its user, and a user id without an account has none.
_SET: Final = {"LC_ALL": "C.UTF-8", "LOGNAME": "ventas", "USER": "ventas"}

_NO_PROXY: Final = ("NO_PROXY", "no_proxy")
_LOOPBACK: Final = (HOST, "localhost", "::1")


def own(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of a process that belongs to no stack, given the user's."""
    kept = {
        name: value
        for name, value in environment.items()
        if name in _KEPT or name.startswith(_KEPT_PREFIXES)
    }
    return {**kept, **_SET}


def of_stack(settings: Settings, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of a stack's processes, given the user's.

    Libraries that look for settings and logins of the user, such as `~/.netrc`, find none.
    """
    return {**own(environment), "HOME": str(settings.home)}


def keep_loopback_from_proxies(environment: MutableMapping[str, str] = os.environ) -> None:
    """Exempt the loopback addresses from the web proxy of this process and its children.

    The proxy itself stays: the download of the jars may need it.
    """
    given = ",".join(environment.get(name, "") for name in _NO_PROXY).split(",")
    hosts = [host for host in map(str.strip, given) if host]
    # Libraries understand the star, which exempts every host, only if nothing else is there.
    exempted = "*" if "*" in hosts else ",".join(dict.fromkeys([*hosts, *_LOOPBACK]))
    for name in _NO_PROXY:
        environment[name] = exempted
