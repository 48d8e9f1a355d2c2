"""What a secured stack's processes and clients are told, and what an open one's are not."""

from __future__ import annotations

import json
import re
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


def test_an_open_stack_asks_nobody_and_has_no_secret(open_stack: Settings) -> None:
    assert security.variables(open_stack) == {}
    assert security.kafka_config(open_stack) == {"bootstrap.servers": "127.0.0.1:9092"}
    assert security.druid_url(open_stack) == "http://127.0.0.1:8888"
    assert security.druid_login(open_stack) is None
    assert not open_stack.home.exists()


def test_each_client_has_a_password_of_its_own_that_stays(secured: Settings) -> None:
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
    # librdkafka verifies the host's name too unless it is told not to.
    assert not any("endpoint" in name or "verif" in name for name in configs[security.ADMIN])


def test_the_broker_knows_every_user_and_druid_has_its_own_alone(secured: Settings) -> None:
    given = security.passwords(secured)
    told = security.variables(secured)
    known = dict(re.findall(r'user_(\w+)="([^"]+)"', told[security.BROKER_JAAS_VARIABLE]))
    assert known == {user: given[user] for user in ("admin", "airflow", "druid")}
    druid = told["KAFKA_JAAS_CONFIG"]
    assert f'username="druid" password="{given["druid"]}"' in druid
    assert not any(given[user] in druid for user in ("admin", "airflow"))


def test_nothing_but_tls_listens_and_no_password_is_in_the_brokers_file(secured: Settings) -> None:
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
