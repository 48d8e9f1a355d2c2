"""Another user of the machine cannot access any file in the folder of a complete stack."""

import os

import pytest

from include.stack.settings import Settings
from tests.support.scan import modes_in, open_to_others

#: Files that the parts of a stack have written by the time Druid answers.
WRITTEN = (
    *("supervisord.conf", "supervisord.pid", "supervisor.sock", "compute.json"),
    *("logs/supervisord.log", "logs/kafka.log", "logs/broker.log", "logs/scheduler.log"),
    *("kafka/meta.properties", "zookeeper/version-2", "druid/metadata", "airflow/airflow.db"),
    *("security/inner.json", "security/druid.key", "security/derby/derby.properties"),
)


@pytest.mark.usefixtures("druid")
def test_other_users_cannot_read_write_or_enter_the_files_of_a_stack(stack: Settings) -> None:
    modes = modes_in(stack.home)
    assert set(WRITTEN) <= set(modes)
    assert {stack.home.joinpath(path).lstat().st_uid for path in WRITTEN} == {os.geteuid()}
    assert open_to_others(modes) == {}
