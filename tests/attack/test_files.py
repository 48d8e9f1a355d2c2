"""Another user of the machine: nothing in the folder of a whole stack is theirs to read."""

import os

import pytest

from include.stack.settings import Settings
from tests.support.scan import modes_in, open_to_others

#: What each part of a stack has written once Druid has answered.
WRITTEN = (
    *("supervisord.conf", "supervisord.pid", "supervisor.sock", "compute.json"),
    *("logs/supervisord.log", "logs/kafka.log", "logs/broker.log", "logs/scheduler.log"),
    *("kafka/meta.properties", "zookeeper/version-2", "druid/metadata", "airflow/airflow.db"),
    *("security/inner.json", "security/druid.key", "security/derby/derby.properties"),
)


@pytest.mark.usefixtures("druid")
def test_no_other_user_may_read_write_or_enter_what_a_stack_writes(stack: Settings) -> None:
    modes = modes_in(stack.home)
    assert set(WRITTEN) <= set(modes)
    assert {stack.home.joinpath(path).lstat().st_uid for path in WRITTEN} == {os.geteuid()}
    assert open_to_others(modes) == {}
