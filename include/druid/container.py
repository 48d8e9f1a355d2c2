"""Druid's configuration for the official container image, `apache/druid`.

The image's entry point writes each variable ``druid_a_b`` into `runtime.properties` as
``druid.a.b`` and sets the JVM's memory from ``DRUID_XMS``, ``DRUID_XMX`` and
``DRUID_MAXDIRECTMEMORYSIZE``; its other JVM options are those that `runtime.jvm_options` has.
`docker-compose.yaml` carries what is rendered here, and a test holds the two together.
"""

import json
from collections.abc import Mapping
from pathlib import PurePath

from include.druid import runtime

#: Each service has a container, and so a host name, of its own.
HOST_PREFIX = "druid-"

#: The image's working folder of mutable files; a volume that all services share.
FOLDER = PurePath("/opt/druid/var")

#: What the entry point copies in place of the image's own settings: none.
NO_PROPERTIES = "/dev/null"

#: Variable from which Druid reads the password of its metadata store.
PASSWORD_VARIABLE = "METADATA_PASSWORD"  # noqa: S105 - the variable's name

#: Druid's own default ports; Derby's is of no use here, but the renderer wants one.
PORTS = {
    "coordinator": 8081,
    "broker": 8082,
    "historical": 8083,
    "indexer": 8091,
    "router": 8888,
    "derby": 1527,
}

#: What the image has as extensions and the embedded Druid has on its class path, and PostgreSQL.
EXTENSIONS = ("druid-kafka-indexing-service", "druid-datasketches", "postgresql-metadata-storage")

#: `docker-compose.load.yaml`: four of the eight cores and half of the 32 GiB of a machine that runs
#: Kafka and Airflow too. Druid 33, "Basic cluster tuning": the historical's heap is half a GiB a
#: core, a merge buffer for four threads (two at least), a GiB of the indexer's heap for a task at
#: work, of which the capacity counts twice as many: the old and the new one at each hand-off.
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
    """Variables of one service's container, but for the password itself."""
    size = sizes[service]
    settings = runtime.properties(service, _place(service, sizes)) | _differences()
    for derby in ("host", "port"):
        del settings[f"druid.metadata.storage.connector.{derby}"]
    return {
        **{name.replace(".", "_"): value for name, value in settings.items()},
        # The image's files are for a large cluster: a cache as large as the heap here, for one.
        "DRUID_CONFIG_COMMON": NO_PROPERTIES,
        f"DRUID_CONFIG_{service}": NO_PROPERTIES,
        # The container's name is `druid.host`; by default the entry point looks an address up.
        "DRUID_SET_HOST_IP": "0",
        "DRUID_DIRS_TO_CREATE": str(FOLDER / "tmp"),
        "DRUID_XMS": f"{size.heap // 2}m",
        "DRUID_XMX": f"{size.heap}m",
        "DRUID_MAXDIRECTMEMORYSIZE": f"{size.direct}m",
    }


def memory_limit(size: runtime.Size) -> str:
    """What a container with such a process may use, as Compose's `mem_limit`."""
    return f"{size.heap + size.direct + jvm_overhead(size.heap)}m"


def jvm_overhead(heap: int) -> int:
    """What a JVM needs beside its heap and direct memory, MiB.

    Classes, compiled code and threads' stacks, and an eighth of the heap for the collector's own
    tables. On the embedded stack after an hour under load Kafka took 160 of the 288 that this gives
    it (416 resident, heap 256; docs/reliability.md); Druid has more code and more threads.
    """
    return 256 + heap // 8


def _place(service: str, sizes: Mapping[str, runtime.Size]) -> runtime.Place:
    return runtime.Place(
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
        # By way of the environment: the entry point prints every property that it sets.
        "druid.metadata.storage.connector.password": json.dumps(
            {"type": "environment", "variable": PASSWORD_VARIABLE}
        ),
    }
