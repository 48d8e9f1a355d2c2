"""The environment variables that the stack's processes start with: few are the user's.

The user's shell may have settings for another Airflow, Java or Python, or the address of a web
proxy. They would change what the stack does, or send its passwords to the proxy. The callers add
the stack's own variables (`airflow.environment`, `security.variables`).
"""

import os
from collections.abc import Mapping, MutableMapping
from typing import Final

from include.stack.settings import HOST, Settings

#: Variables that are kept: the folders of programs, of their libraries and of temporary files, and
#: how many days of reports the tasks keep.
_KEPT: Final = frozenset(
    ("PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VENTAS_REPORTS_DAYS")
)

#: Variables with these prefixes are kept: the address of a metrics collector, and the processor
#: instructions that numpy may use.
_KEPT_PREFIXES: Final = ("OTEL_", "OPENBLAS_")

#: Variables that are set. Java reads paths in the locale's encoding, so the user's locale must not
#: matter. Airflow asks for its user's name, and a user id without an account has no name.
_SET: Final = {"LC_ALL": "C.UTF-8", "LOGNAME": "ventas", "USER": "ventas"}

_NO_PROXY: Final = ("NO_PROXY", "no_proxy")
_LOOPBACK: Final = (HOST, "localhost", "::1")


def own(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of a process that belongs to no stack, from the user's one."""
    kept = {
        name: value
        for name, value in environment.items()
        if name in _KEPT or name.startswith(_KEPT_PREFIXES)
    }
    return {**kept, **_SET}


def of_stack(settings: Settings, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of a stack's processes, from the user's one.

    HOME is the stack's folder, so that libraries find no settings or logins of the user, such as
    `~/.netrc`.
    """
    return {**own(environment), "HOME": str(settings.home)}


def keep_loopback_from_proxies(environment: MutableMapping[str, str] = os.environ) -> None:
    """Exempt the loopback addresses from the web proxy of this process and its children.

    The proxy's own variables stay: the download of the jars may need the proxy.
    """
    given = ",".join(environment.get(name, "") for name in _NO_PROXY).split(",")
    hosts = [host for host in map(str.strip, given) if host]
    # The star exempts every host, but libraries understand it only if it stands alone.
    exempted = "*" if "*" in hosts else ",".join(dict.fromkeys([*hosts, *_LOOPBACK]))
    for name in _NO_PROXY:
        environment[name] = exempted
