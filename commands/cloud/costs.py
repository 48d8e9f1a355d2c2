"""Monthly costs of a deployment, and the costs that remain after `down`."""

from collections.abc import Iterator

from include.cloud.deployment import Deployment
from include.gcp.estimate import estimate
from include.gcp.prices import unit_price
from include.texts import terminal_text


def month(deployment: Deployment) -> Iterator[str]:
    """Yield a line for each cost of a month, and their sum."""
    found = estimate(
        deployment.rate, machine_type=deployment.machine_type, region=deployment.region
    )
    yield _said("month", rate=f"{found.rate:g}", hours=f"{found.hours:g}", day=found.priced)
    for cost in found.costs:
        usd = terminal_text("cli.size.costs.none") if cost.usd is None else f"{cost.usd:,.2f}"
        yield f"  {terminal_text(f'cli.size.costs.{cost.what}')}: {usd}"
    yield f"  {terminal_text('cli.size.costs.total')}: {found.usd_month:,.2f}"


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
