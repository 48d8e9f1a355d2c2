"""Make everything that is missing (`up`), list it (`plan`), or remove it (`down`)."""

from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import quote

from include.cloud import resources, secret_values
from include.cloud.cloud import Cloud
from include.cloud.errors import CloudError, RefusedError, UnsureError
from include.cloud.kafka_acls import KafkaAcl, all_acls
from include.cloud.registry import registry
from include.cloud.resources import Look, Plain, Resource

#: Seconds for a resource to be found after a creation whose answer was lost.
_SURE: Final = 120.0

#: Airflow's connections that `up` writes.
CONNECTIONS: Final = (
    "google_cloud_default",
    "druid_ingest_default",
    "druid_broker_default",
    "kafka_default",
)


class Planned(NamedTuple):
    """A wanted resource, with the look at it; None if nobody could look."""

    resource: Resource
    look: Look | None


def wanted(cloud: Cloud, *, any_vm: bool = False) -> list[Resource]:
    """Return all wanted resources, in the order in which they are made.

    With `any_vm` the VM and its disk are among them even if the DAG is to make them.
    """
    return [
        *resources.plain("services", cloud),
        *resources.plain("google", cloud),
        *resources.bindings("bindings", cloud),
        *resources.plain("confluent", cloud),
        *all_acls(),
        *(secret_values.Password(name) for name in (secret_values.ADMIN, secret_values.INTERNAL)),
        *(secret_values.KafkaKey(f"ventas-{user}", user=user) for user in ("airflow", "druid")),
        *registry(cloud),
        *resources.plain("vm", cloud, always=any_vm),
        *resources.bindings("tunnel_bindings", cloud),
        *resources.plain("airflow_vm", cloud),
        *resources.bindings("airflow_vm_bindings", cloud),
        *(secret_values.Connection(name) for name in CONNECTIONS),
    ]


def up(cloud: Cloud) -> None:
    """Make what is missing and mend what differs, in order. It may be interrupted and run again.

    Raises:
        CloudError: a cloud refused something, or a difference is the person's to mend; or the
            settings want Cloud SQL, which only Terraform makes.
    """
    _refuse_cloud_sql(cloud)
    # Without a key of Confluent, nothing is made at all.
    _ = cloud.confluent
    try:
        for resource in wanted(cloud):
            _ensure(resource, cloud)
            resource.wait(cloud)
    finally:
        cloud.close()


def _refuse_cloud_sql(cloud: Cloud) -> None:
    if cloud.deployment.cloud_sql:
        raise CloudError("no_cloud_sql")


def _ensure(resource: Resource, cloud: Cloud) -> None:
    for _ in cloud.clock.polling(_SURE):
        try:
            look = resource.look(cloud)
            if not look.missing and not look.difference:
                return
            step = "making" if look.missing else "mending"
            cloud.tell(step, kind=resource.kind, name=resource.name)
            if look.missing:
                resource.make(cloud)
            else:
                resource.mend(cloud, look)
        except UnsureError as error:
            problem: RefusedError = error
        except RefusedError as error:
            # 409 and 412: somebody else made it, or changed the policy, since the look.
            if error.status not in (409, 412):
                raise
            problem = error
        else:
            return
    raise problem


def plan(cloud: Cloud) -> Iterator[Planned]:
    """Yield every wanted resource with the look at it; nothing changes in any cloud."""
    for resource in wanted(cloud):
        try:
            # To list the ACLs needs a key of the cluster, and a key is a change.
            look = None if _needs_key(resource, cloud) else resource.look(cloud)
        except CloudError as error:
            if error.problem not in ("no_confluent_key", "secret_disabled"):
                raise
            look = None
        yield Planned(resource, look)


def _needs_key(resource: Resource, cloud: Cloud) -> bool:
    return isinstance(resource, KafkaAcl) and "cluster" in cloud.values


def down(cloud: Cloud, *, delete_data: bool) -> list[Plain]:
    """Remove what `up` and the DAG made, in reverse order; return what stays: it has data.

    Raises:
        CloudError: a cloud refused something, or Terraform made Cloud SQL.
    """
    _refuse_cloud_sql(cloud)
    everything = wanted(cloud, any_vm=True)
    for resource in everything:
        # The ids that Confluent gave are needed to remove, and a look remembers them.
        if resource.kind in ("environment", "cluster", "confluent_account", "registry"):
            resource.look(cloud)
    if delete_data:
        _empty_bucket(cloud)
    stays = []
    for resource in reversed(everything):
        if resource.keep and not delete_data:
            if isinstance(resource, Plain) and not resource.look(cloud).missing:
                stays.append(resource)
        elif resource.remove(cloud):
            cloud.tell("removed", kind=resource.kind, name=resource.name)
    return stays


def _empty_bucket(cloud: Cloud) -> None:
    objects = f"storage/storage/v1/b/{cloud.values['bucket']}/o"
    cloud.tell("emptying", name=cloud.values["bucket"])
    while items := (cloud.google.find(objects) or {}).get("items"):
        for item in items:
            cloud.send(f"DELETE {objects}/{quote(item['name'], safe='')}")
