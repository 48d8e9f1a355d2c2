"""Logins and secrets of a secured stack, and of an open one, which asks for no login."""

from __future__ import annotations

import json
import re
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from include.stack import kafka, security
from include.stack.settings import Settings


@pytest.fixture
def open_stack(tmp_path: Path) -> Settings:
    return replace(Settings.from_environment({}), home=tmp_path / "stack")


@pytest.fixture
def secured(open_stack: Settings) -> Settings:
    return replace(open_stack, secure=True)


def test_open_stack_requires_no_login_and_creates_no_secret(open_stack: Settings) -> None:
    assert security.variables(open_stack) == {}
    assert security.kafka_config(open_stack) == {"bootstrap.servers": "127.0.0.1:9092"}
    assert security.druid_url(open_stack) == "http://127.0.0.1:8888"
    assert security.druid_login(open_stack) is None
    assert not open_stack.home.exists()


@pytest.mark.parametrize("secure", [False, True])
def test_druid_derby_and_zookeeper_have_different_lasting_secrets(
    open_stack: Settings, secured: Settings, secure: bool
) -> None:
    settings = secured if secure else open_stack
    found = security.inner(settings)
    assert set(found) == {"druid", "derby", "zookeeper"}
    assert len(set(found.values())) == 3
    assert all(len(secret) >= 32 for secret in found.values())
    assert security.inner(settings) == found
    assert security.druid_key(settings).read_text(encoding="utf-8") == found["druid"]
    for file in (settings.home / "security").iterdir():
        assert file.is_dir() or stat.S_IMODE(file.stat().st_mode) == 0o600


def test_two_stacks_share_no_secret(open_stack: Settings, tmp_path: Path) -> None:
    other = replace(open_stack, home=tmp_path / "other")
    assert not set(security.inner(open_stack).values()) & set(security.inner(other).values())


def test_derby_requires_a_login_and_has_one_user(open_stack: Settings) -> None:
    [home] = [
        option.partition("=")[2]
        for option in security.druid_jvm_options(open_stack)
        if option.startswith("-Dderby.system.home=")
    ]
    derby = dict(
        line.split("=", 1)
        for line in (Path(home) / "derby.properties").read_text(encoding="utf-8").splitlines()
    )
    assert derby == {
        "derby.connection.requireAuthentication": "true",
        "derby.authentication.provider": "BUILTIN",
        "derby.user.APP": security.inner(open_stack)["derby"],
    }


def test_zookeeper_and_its_clients_share_one_login(open_stack: Settings) -> None:
    [server] = security.zookeeper_jvm_options(open_stack)
    client = security.druid_jvm_options(open_stack)[0]
    files = [Path(option.partition("=")[2]) for option in (server, client)]
    known, own = (dict(re.findall(r'(\w+)="([^"]+)"', it.read_text())) for it in files)
    assert known == {"user_druid": security.inner(open_stack)["zookeeper"]}
    assert own == {"username": "druid", "password": known["user_druid"]}


def test_each_client_has_its_own_lasting_password(secured: Settings) -> None:
    users = (security.ADMIN, security.AIRFLOW, security.DRUID)
    configs = {user: security.kafka_config(secured, user) for user in users}
    assert {user: config["sasl.username"] for user, config in configs.items()} == {
        user: user for user in users
    }
    given = {config["sasl.password"] for config in configs.values()}
    login = security.druid_login(secured)
    assert login
    assert len(given | {login[1]}) == 4
    assert configs[security.DRUID] == security.kafka_config(secured, security.DRUID)
    assert all(config["security.protocol"] == "SASL_SSL" for config in configs.values())
    # librdkafka also verifies the host's name, unless a setting turns that off.
    assert not any("endpoint" in name or "verif" in name for name in configs[security.ADMIN])


def test_broker_knows_every_user_and_druid_knows_only_its_password(secured: Settings) -> None:
    given = security.passwords(secured)
    told = security.variables(secured)
    known = dict(re.findall(r'user_(\w+)="([^"]+)"', told[security.BROKER_JAAS_VARIABLE]))
    assert known == {user: given[user] for user in ("admin", "airflow", "druid")}
    druid = told["KAFKA_JAAS_CONFIG"]
    assert f'username="druid" password="{given["druid"]}"' in druid
    assert not any(given[user] in druid for user in ("admin", "airflow"))


def test_broker_listens_only_with_tls_and_its_file_has_no_password(secured: Settings) -> None:
    properties = kafka.server_properties(secured)
    protocols = dict(
        pair.split(":") for pair in properties["listener.security.protocol.map"].split(",")
    )
    names = [listener.split("://")[0] for listener in properties["listeners"].split(",")]
    assert {protocols[name] for name in names} == {"SASL_SSL", "SSL"}
    assert properties["listener.name.controller.ssl.client.auth"] == "required"
    assert properties["allow.everyone.if.no.acl.found"] == "false"
    text = json.dumps(properties)
    assert not any(password in text for password in security.passwords(secured).values())
