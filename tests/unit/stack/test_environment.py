"""The environment of the stack's processes and of the command line itself."""

from __future__ import annotations

import urllib.request

import httpx
import pytest
import requests

from include.stack import environment
from include.stack.settings import Settings

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")

HOSTILE = (
    *PROXIES,
    *("AIRFLOW_HOME", "AIRFLOW_CONFIG", "AIRFLOW__CORE__EXECUTOR", "AIRFLOW_CONN_KAFKA_DEFAULT"),
    *("_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "JAVA_HOME", "CLASSPATH"),
    *("KAFKA_OPTS", "KAFKA_HEAP_OPTS", "DRUID_CONF", "ZOO_CFG"),
    *("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONIOENCODING", "PYTHONWARNINGS"),
    *("PIP_INDEX_URL", "UV_INDEX_URL", "VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV"),
    *("LD_PRELOAD", "LD_AUDIT", "BASH_ENV", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
    *("HOME", "XDG_CONFIG_HOME", "NETRC", "GOOGLE_APPLICATION_CREDENTIALS", "TZ", "LANG"),
    *("LC_CTYPE", "SUPERVISOR_SERVER_URL", "VENTAS_HOME", "AWS_SECRET_ACCESS_KEY"),
)


def test_only_paths_and_metrics_settings_of_the_user_are_kept() -> None:
    kept = {"PATH": "/bin", "TMPDIR": "/t", "OTEL_SERVICE_NAME": "x", "OPENBLAS_CORETYPE": "H"}
    own = environment.own({**dict.fromkeys(HOSTILE, "hostile"), "LC_ALL": "C", **kept})
    assert own == {**kept, "LC_ALL": "C.UTF-8", "LOGNAME": "ventas", "USER": "ventas"}


def test_home_of_the_processes_is_the_folder_of_the_stack() -> None:
    settings = Settings.from_environment({})
    assert environment.of_stack(settings, {"HOME": "/home/me"})["HOME"] == str(settings.home)


@pytest.mark.parametrize(
    ("given", "exempted"),
    [
        ({}, "127.0.0.1,localhost,::1"),
        ({"NO_PROXY": "a.example"}, "a.example,127.0.0.1,localhost,::1"),
        ({"no_proxy": " a , b,"}, "a,b,127.0.0.1,localhost,::1"),
        ({"NO_PROXY": "a", "no_proxy": "b"}, "a,b,127.0.0.1,localhost,::1"),
        ({"no_proxy": "localhost"}, "localhost,127.0.0.1,::1"),
        ({"no_proxy": "a,*"}, "*"),
    ],
)
def test_loopback_is_added_once_to_the_hosts_that_the_user_exempts(
    given: dict[str, str], exempted: str
) -> None:
    variables = dict(given)
    for _ in range(3):
        environment.keep_loopback_from_proxies(variables)
        assert variables == {"NO_PROXY": exempted, "no_proxy": exempted}


@pytest.mark.parametrize("given", ["", "a.example", "*"])
def test_no_library_sends_loopback_requests_to_a_proxy(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PROXIES:
        monkeypatch.setenv(name, "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", given)
    monkeypatch.setenv("no_proxy", given)
    environment.keep_loopback_from_proxies()
    for url in ("http://127.0.0.1:8888/", "http://localhost:8080/", "https://127.0.0.1:9088/"):
        assert requests.utils.get_environ_proxies(url) == {}
        assert urllib.request.proxy_bypass(httpx.URL(url).netloc.decode())
        with httpx.Client() as client:
            assert client._transport_for_url(httpx.URL(url)) is client._transport
    # Downloads go through the proxy unless the user exempts them.
    elsewhere = requests.utils.get_environ_proxies("https://maven.example/")
    assert bool(elsewhere) == (given != "*")
