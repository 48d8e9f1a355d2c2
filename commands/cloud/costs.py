"""Monthly costs of a deployment, and the costs that remain after `down`."""

from collections.abc import Iterator

from include.cloud.deployment import Deployment
from include.gcp.estimate import BOOT_DISK, MONTH, estimate
from include.gcp.prices import price_of, unit_price
from include.texts import terminal_text


def month(deployment: Deployment) -> Iterator[str]:
    """Yield a line for each cost of a month, and their sum."""
    found = estimate(
        deployment.rate, machine_type=deployment.machine_type, region=deployment.region
    )
    costs = {cost.what: cost.usd for cost in found.costs} | _own_costs(deployment)
    yield _said("month", rate=f"{found.rate:g}", hours=f"{found.hours:g}", day=found.priced)
    for what, usd in costs.items():
        shown = terminal_text("cli.size.costs.none") if usd is None else f"{usd:,.2f}"
        yield f"  {terminal_text(f'cli.size.costs.{what}')}: {shown}"
    yield f"  {terminal_text('cli.size.costs.total')}: {sum(filter(None, costs.values())):,.2f}"


def _own_costs(deployment: Deployment) -> dict[str, float | None]:
    """Return the costs that follow from the settings; None if no source has a price."""
    disk = unit_price(deployment.disk, "gib-month", deployment.region)
    costs = {"disks": disk.usd * (BOOT_DISK + deployment.data_disk_gb) if disk else None}
    if deployment.airflow_vm:
        vm = price_of(deployment.airflow_machine_type, deployment.zone)
        # Unlike Druid's VM it is never off.
        costs["airflow_vm"] = vm.usd_per_hour * 24 * MONTH if vm else None
    if deployment.cloud_sql:
        costs["cloud_sql"] = None
    if deployment.schema_registry:
        costs["schema_registry"] = None
    return {**costs, "others": None}


def kept(deployment: Deployment, kinds: set[str]) -> Iterator[str]:
    """Yield a line for each kind of resource that stays and still costs money."""
    if "bucket" in kinds and (
        price := unit_price("bucket-standard", "gib-month", deployment.region)
    ):
        yield _said("bucket_costs", usd=price.usd)
    price = unit_price(deployment.disk, "gib-month", deployment.region)
    if price:
        usd = f"{price.usd * deployment.data_disk_gb:,.2f}"
        disk = f"{deployment.instance}-data"
        yield _said("disk_costs", disk=disk, gb=deployment.data_disk_gb, usd=usd)
    if "cluster" in kinds:
        yield _said("cluster_costs")


def _said(key: str, **values: object) -> str:
    return terminal_text(f"cli.cloud.{key}", **values)
