"""The Kafka permissions (ACLs) of Airflow and Druid, declared once in `acls.csv`.

`grant` creates them in a Kafka cluster through its admin API. For Confluent Cloud, docs/acls.md has
the commands of Confluent's CLI, which `docs` returns.
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any, Final, NamedTuple

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from include.names import (
    BACKFILL_DAG,
    DATASOURCE,
    LEDGER_TOPIC,
    READER_GROUP,
    TOPIC,
    WINDOW_DAG,
)
from include.stream.topics import ADMIN_TIMEOUT, Admin

_FILE: Final = Path(__file__).with_suffix(".csv")

#: For each `resource` in the file: Kafka's resource type and the option of Confluent's CLI.
_KINDS: Final = {
    "topic": (ResourceType.TOPIC, "--topic"),
    "group": (ResourceType.GROUP, "--consumer-group"),
    "transactional_id": (ResourceType.TRANSACTIONAL_ID, "--transactional-id"),
}


class Acl(NamedTuple):
    """A row of `acls.csv`: what a user may do with a resource, and why."""

    user: str
    resource: str
    name: str
    pattern: str
    operations: str
    """Names of Kafka's operations, separated by spaces."""
    why: str

    def bindings(self, principal: str) -> list[AclBinding]:
        """Return one ACL per operation, for a principal such as ``User:airflow``."""
        return [
            AclBinding(
                _KINDS[self.resource][0],
                self.name,
                ResourcePatternType[self.pattern.upper()],
                principal,
                "*",
                AclOperation[operation.upper()],
                AclPermissionType.ALLOW,
            )
            for operation in self.operations.split()
        ]

    def command(self, service_account: str) -> str:
        """Return the command of Confluent's CLI that creates the row's ACLs."""
        operations = self.operations.replace("_", "-").replace(" ", ",")
        prefix = " --prefix" if self.pattern == "prefixed" else ""
        return (
            f"confluent kafka acl create --allow --service-account {service_account} "
            f"--operations {operations} {_KINDS[self.resource][1]} {self.name}{prefix}"
        )


def load_acls() -> list[Acl]:
    """Return every row of the file, with the project's names in place of its ``{fields}``."""
    names = {
        "topic": TOPIC,
        "ledger": LEDGER_TOPIC,
        "datasource": DATASOURCE,
        "reader": READER_GROUP,
        "window": WINDOW_DAG,
        "backfill": BACKFILL_DAG,
    }
    with _FILE.open(newline="", encoding="utf-8") as lines:
        rows = [Acl(**row) for row in csv.DictReader(lines)]
    return [row._replace(name=row.name.format_map(names)) for row in rows]


def grant(config: Mapping[str, Any], principals: Mapping[str, str]) -> None:
    """Create the ACLs of every row; existing ACLs are left as they are.

    `principals` maps each user of the file to its Kafka principal. `config` must belong to a user
    that may alter ACLs. Raises `KafkaUnreachableError`, `KafkaEntryError` or `KafkaRefusedError`.
    """
    bindings = [binding for acl in load_acls() for binding in acl.bindings(principals[acl.user])]
    admin = Admin(config)
    granted = admin.create_acls(bindings, request_timeout=ADMIN_TIMEOUT)
    for future in granted.values():
        admin.wait_for(future, "grant ACLs")


def docs() -> str:
    """Return the text of docs/acls.md."""
    rows = [
        f"| {acl.user} | {acl.resource.replace('_', ' ')} `{acl.name}`"
        f"{'…' if acl.pattern == 'prefixed' else ''} | "
        f"{acl.operations.title().replace('_', '').replace(' ', ', ')} | {acl.why} |"
        for acl in load_acls()
    ]
    commands = [acl.command(f"sa-{acl.user}") for acl in load_acls()]
    page = Template(_FILE.with_suffix(".template").read_text(encoding="utf-8"))
    return page.substitute(rows="\n".join(rows), commands="\n".join(commands))
