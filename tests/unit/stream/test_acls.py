"""The ACLs grant only the operations and names that the project uses."""

from __future__ import annotations

from confluent_kafka.admin import AclOperation, ResourcePatternType, ResourceType

from include.druid.supervisor import supervisor_spec
from include.names import DATASOURCE, TOPIC
from include.stack.settings import ROOT
from include.stream.acls import load_acls
from ventas_airflow.sales import TOPICS

ACLS = load_acls()


def granted(user: str, resource: str) -> dict[str, set[str]]:
    return {
        acl.name: set(acl.operations.split())
        for acl in ACLS
        if (acl.user, acl.resource) == (user, resource)
    }


def test_airflow_may_use_the_projects_topics_but_not_delete_or_alter_them() -> None:
    topics = granted("airflow", "topic")
    assert topics.keys() == TOPICS.keys()
    assert not {"delete", "alter", "alter_configs", "all"} & set().union(*topics.values())


def test_airflows_transactional_ids_are_those_of_the_publishing_dags() -> None:
    prefixes = granted("airflow", "transactional_id")
    files = {f"{path.stem}/" for path in (ROOT / "dags").glob("*.py")}
    assert prefixes.keys() == files - {"sales_validation/"}


def test_druid_may_only_read_the_sales_topic_in_the_group_of_its_spec() -> None:
    spec = supervisor_spec({"bootstrap.servers": "k"}, topic=TOPIC, datasource=DATASOURCE)
    group = spec["spec"]["ioConfig"]["consumerProperties"]["group.id"]
    assert granted("druid", "topic") == {TOPIC: {"describe", "read"}}
    assert granted("druid", "group") == {group: {"read"}}
    assert granted("druid", "transactional_id") == {}


def test_row_gives_one_acl_per_operation_and_one_command() -> None:
    [row] = [acl for acl in ACLS if acl.name == "sales_window/"]
    bindings = row.bindings("User:sa-1")
    assert [binding.operation for binding in bindings] == [
        AclOperation.DESCRIBE,
        AclOperation.WRITE,
    ]
    assert {(b.restype, b.resource_pattern_type, b.principal) for b in bindings} == {
        (ResourceType.TRANSACTIONAL_ID, ResourcePatternType.PREFIXED, "User:sa-1")
    }
    assert row.command("sa-1") == (
        "confluent kafka acl create --allow --service-account sa-1 "
        "--operations describe,write --transactional-id sales_window/ --prefix"
    )
