"""Druid's configuration for the official container image, `apache/druid`.

The image's entry point writes each variable ``druid_a_b`` into `runtime.properties` as
``druid.a.b`` and sets the JVM's memory from ``DRUID_XMS``, ``DRUID_XMX`` and
``DRUID_MAXDIRECTMEMORYSIZE``; its other JVM options are those of `runtime.jvm_options`.
`docker-compose.yaml` holds a copy of the variables rendered here; a test checks that both agree.
"""

import json
from collections.abc import Mapping
from pathlib import PurePath

from include.druid import runtime

#: Each service has its own container, whose host name begins so.
HOST_PREFIX = "druid-"

#: The image's folder for mutable files; a volume that all services share.
FOLDER = PurePath("/opt/druid/var")

#: Empty file that the entry point copies instead of the image's own settings.
NO_PROPERTIES = "/dev/null"

#: Variable from which Druid reads the password of its metadata store.
PASSWORD_VARIABLE = "METADATA_PASSWORD"  # noqa: S105 - the variable's name

#: Druid's default ports. Derby does not run here, but the renderer requires a port for it.
PORTS = {
    "coordinator": 8081,
    "broker": 8082,
    "historical": 8083,
    "indexer": 8091,
    "router": 8888,
    "derby": 1527,
}

#: The extensions that the embedded Druid has on its class path, and PostgreSQL's.
EXTENSIONS = ("druid-kafka-indexing-service", "druid-datasketches", "postgresql-metadata-storage")

#: Sizes for `docker-compose.load.yaml`: Druid gets four of the eight cores and half of the 32 GiB
#: of a machine that runs Kafka and Airflow too. From Druid 33, "Basic cluster tuning": half a GiB
#: of the historical's heap per core; one merge buffer per four threads, at least two; 1 GiB of the
#: indexer's heap per reading task. The capacity is twice the number of reading tasks, because at
#: each hand-off the old task and the new one run at the same time.
LOAD_SIZES: Mapping[str, runtime.Size] = {
    "coordinator": runtime.Size(heap=1024),
    "broker": runtime.Size(heap=2048, threads=2, merge_buffers=2, buffer=128),
    "historical": runtime.Size(heap=2048, threads=4, merge_buffers=2, buffer=256, cache=512),
    "indexer": runtime.Size(heap=4096, threads=2, merge_buffers=2, buffer=128, capacity=8),
    "router": runtime.Size(heap=256),
}


def environment(
    service: str, sizes: Mapping[str, runtime.Size] = runtime.EMBEDDED_SIZES
) -> dict[str, str]:
    """Return the variables of one service's container, without the password itself."""
    size = sizes[service]
    settings = runtime.properties(service, _deployment(service, sizes)) | _differences()
    for derby in ("host", "port"):
        del settings[f"druid.metadata.storage.connector.{derby}"]
    return {
        **{name.replace(".", "_"): value for name, value in settings.items()},
        # The image's files are for a large cluster: for example, a cache as large as our heap.
        "DRUID_CONFIG_COMMON": NO_PROPERTIES,
        f"DRUID_CONFIG_{service}": NO_PROPERTIES,
        # `druid.host` is the container's name; by default the entry point sets its IP address.
        "DRUID_SET_HOST_IP": "0",
        "DRUID_DIRS_TO_CREATE": str(FOLDER / "tmp"),
        "DRUID_XMS": f"{size.heap // 2}m",
        "DRUID_XMX": f"{size.heap}m",
        "DRUID_MAXDIRECTMEMORYSIZE": f"{size.direct}m",
    }


def memory_limit(size: runtime.Size) -> str:
    """Return the memory limit of a container with such a process, as Compose's `mem_limit`."""
    return f"{size.heap + size.direct + jvm_overhead(size.heap)}m"


def jvm_overhead(heap: int) -> int:
    """Return the MiB that a JVM needs in addition to its heap and direct memory.

    They hold classes, compiled code and thread stacks, and an eighth of the heap for the garbage
    collector's tables. On the embedded stack, after an hour under load, Kafka used 160 of the 288
    that this allows (416 resident, heap 256; docs/reliability.md); Druid has more code and threads.
    """
    return 256 + heap // 8


def _deployment(service: str, sizes: Mapping[str, runtime.Size]) -> runtime.Deployment:
    return runtime.Deployment(
        host=f"{HOST_PREFIX}{service}",
        ports=PORTS,
        zookeeper="zookeeper:2181",
        folder=FOLDER,
        sizes=sizes,
    )


def _differences() -> dict[str, str]:
    return {
        "druid.extensions.loadList": json.dumps(EXTENSIONS),
        "druid.metadata.storage.type": "postgresql",
        "druid.metadata.storage.connector.connectURI": "jdbc:postgresql://postgres:5432/druid",
        "druid.metadata.storage.connector.user": "druid",
        # Read from the environment, because the entry point prints every property that it sets.
        "druid.metadata.storage.connector.password": json.dumps(
            {"type": "environment", "variable": PASSWORD_VARIABLE}
        ),
    }
