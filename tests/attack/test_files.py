"""Another user of the machine cannot access any file in the folder of a complete stack."""

import os

import pytest

from include.stack.settings import Settings
from tests.support.scan import modes_in, open_to_others

#: Written only if Airflow's database is SQLite.
DATABASE = "airflow/airflow.db"

#: Files that the parts of a stack have written by the time Druid answers.
WRITTEN = (
    *("supervisord.conf", "supervisord.pid", "supervisor.sock", "compute.json"),
    *("logs/supervisord.log", "logs/kafka.log", "logs/broker.log", "logs/scheduler.log"),
    *("kafka/meta.properties", "zookeeper/version-2", "druid/metadata", DATABASE),
    *("security/inner.json", "security/druid.key", "security/derby/derby.properties"),
)


@pytest.mark.usefixtures("druid")
def test_other_users_cannot_read_write_or_enter_the_files_of_a_stack(stack: Settings) -> None:
    modes = modes_in(stack.home)
    written = {path for path in WRITTEN if not (path == DATABASE and stack.airflow_database)}
    assert written <= set(modes)
    assert {stack.home.joinpath(path).lstat().st_uid for path in written} == {os.geteuid()}
    assert open_to_others(modes) == {}
