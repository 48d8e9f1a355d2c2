"""All checks of a deployment, in order: from the login to Druid's password."""

from collections.abc import Iterator
from functools import partial

from include.cloud.checks import airflow, google, kafka
from include.cloud.checks.check import Check, Result, run_all
from include.cloud.cloud import Cloud
from include.cloud.deploy import wanted
from include.cloud.errors import CloudError
from include.cloud.resources import Resource, title


def diagnose(cloud: Cloud) -> Iterator[Result]:
    """Run all checks; each result comes as soon as it is known."""
    try:
        yield from run_all(_checks(cloud), cloud)
    finally:
        cloud.close()


def _checks(cloud: Cloud) -> Iterator[Check]:
    yield from (*airflow.FIRST, *google.FIRST)
    before = {
        "account": google.SECOND,
        "environment": kafka.FIRST,
        "acl": (*kafka.UP, *airflow.VALUES),
    }
    for resource in wanted(cloud):
        yield from before.pop(resource.kind, ())
        # The check of a password's value says more.
        if resource.kind != "password":
            run = partial(_compare, resource)
            yield Check(resource.kind, run, resource.name, resource.needs)
    yield from (*google.LAST, *kafka.LAST, *airflow.LAST)


def _compare(resource: Resource, cloud: Cloud) -> None:
    look = resource.look(cloud)
    if look.missing and resource.kind == "service":
        raise CloudError("api_off", name=resource.name)
    if look.missing:
        raise CloudError("missing", kind=title(resource.kind), name=resource.name)
    if look.difference:
        raise CloudError(
            "other", kind=title(resource.kind), name=resource.name, difference=look.difference
        )
