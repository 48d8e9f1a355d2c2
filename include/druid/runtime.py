"""Druid's configuration, rendered for whatever hosts it: embedded processes, containers or a VM.

One description (`Place`) in, `runtime.properties` and JVM options out, so that the three places
cannot drift apart. Formulas and defaults: Druid 33 documentation, "Basic cluster tuning" and
"Configuration reference".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

#: Druid's processes; the coordinator is the overlord too.
SERVICES = ("coordinator", "broker", "historical", "indexer", "router")

#: On a VM a task has a JVM of its own, which takes more memory and harms no other task.
VM_SERVICES = ("coordinator", "broker", "historical", "middleManager", "router")

#: The peon, a task's JVM: `Place` has its memory and its first port under this name.
PEON = "peon"

#: A VM has cores to collect garbage beside the work.
VM_JVM_FLAGS = ("-XX:+UseG1GC",)

#: Java 17 flags that Druid 33 asks for ("Java runtime" in its documentation).
JAVA_17_FLAGS = (
    "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED",
    "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "--add-opens=java.base/jdk.internal.ref=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--add-opens=jdk.management/com.sun.management.internal=ALL-UNNAMED",
)

#: Processes that read records: "indexer" with its tasks, or each task's own.
_READERS = ("indexer", PEON)

#: Stack of a thread that reads records, MiB. Druid 33 reads what is nested by recursion, a frame a
#: level, and a record that overruns the stack ends its task, and each that follows, for ever. This
#: is enough for a record of a megabyte, Kafka's limit, that is nothing but brackets. It is address
#: space and no memory, as long as no such record is read.
_READERS_STACK = 256

MIB = 1024 * 1024


@dataclass(frozen=True)
class Size:
    """What one process may use.

    Attributes:
        heap: JVM heap, MiB.
        threads: processing threads (0 where the process runs no queries).
        merge_buffers: buffers for group-by merges.
        buffer: size of each processing buffer, MiB.
        capacity: ingestion tasks at once (indexer or middle manager only).
        cache: part of the heap for what queries found in segments, MiB (historical only).
    """

    heap: int
    threads: int = 0
    merge_buffers: int = 0
    buffer: int = 0
    capacity: int = 0
    cache: int = 0

    @property
    def direct(self) -> int:
        """Direct memory, MiB: (threads + merge buffers + 1) x buffer, and 64 for Netty and Jetty.

        A task of the indexer has its own threads and merge buffers accounted once for the process.
        """
        return (self.threads + self.merge_buffers + 1) * self.buffer + 64


#: Two cores shared with Kafka and Airflow: small buffers, one processing thread for each process
#: but the historical, which alone has much to read.
EMBEDDED_SIZES: Mapping[str, Size] = {
    "coordinator": Size(heap=320),
    "broker": Size(heap=320, threads=1, merge_buffers=2, buffer=32),
    "historical": Size(heap=384, threads=2, merge_buffers=4, buffer=32, cache=128),
    "indexer": Size(heap=640, threads=1, merge_buffers=2, buffer=32, capacity=4),
    "router": Size(heap=96),
}


@dataclass(frozen=True)
class Place:
    """Where one Druid runs.

    Attributes:
        host: name or address that the processes advertise and bind to.
        ports: port by service, and ``derby``; beside a middle manager ``peon``, the first of the
            ports that its tasks take.
        zookeeper: ``host:port`` of ZooKeeper.
        folder: where this Druid keeps segments, tasks and metadata.
        sizes: memory and threads by service; beside a middle manager ``peon``, those of each task.
        jvm_flags: flags of this place alone, e.g. the garbage collector.
        segment_cache: disk that the historical may fill with segments, GiB.
    """

    host: str
    ports: Mapping[str, int]
    zookeeper: str
    folder: PurePath
    sizes: Mapping[str, Size]
    jvm_flags: tuple[str, ...] = ()
    segment_cache: int = 20


def properties(service: str, place: Place) -> dict[str, str]:
    """`runtime.properties` of one process, common ones included."""
    return _common(place) | _SPECIFIC[service](place) | _processing(place.sizes[service])


def jvm_options(service: str, place: Place) -> list[str]:
    """JVM options of one process: memory, encoding, time zone, Java 17's module flags."""
    size = place.sizes[service]
    return [
        f"-Xms{size.heap // 2}m",
        f"-Xmx{size.heap}m",
        f"-XX:MaxDirectMemorySize={size.direct}m",
        *([f"-Xss{_READERS_STACK}m"] if service in _READERS else []),
        "-XX:+ExitOnOutOfMemoryError",
        "-Duser.timezone=UTC",
        "-Dfile.encoding=UTF-8",
        f"-Djava.io.tmpdir={place.folder / 'tmp'}",
        f"-Dderby.stream.error.file={place.folder / 'derby.log'}",
        "-Djava.util.logging.manager=org.apache.logging.log4j.jul.LogManager",
        *JAVA_17_FLAGS,
        *place.jvm_flags,
    ]


def render(settings: Mapping[str, str]) -> str:
    """Text of a `.properties` file."""
    return "".join(f"{name}={_escaped(value)}\n" for name, value in sorted(settings.items()))


def _escaped(value: str) -> str:
    # Kafka and ZooKeeper read these files as Latin-1, Druid as UTF-8: escapes are the same to all.
    return json.dumps(value)[1:-1].replace('\\"', '"')


def _common(place: Place) -> dict[str, str]:
    derby = f"{place.host}:{place.ports['derby']}"
    return {
        "druid.host": place.host,
        # Without it every process listens on all interfaces.
        "druid.bindOnHost": "true",
        "druid.extensions.loadList": "[]",
        "druid.extensions.searchCurrentClassloader": "true",
        "druid.zk.service.host": place.zookeeper,
        "druid.metadata.storage.type": "derby",
        "druid.metadata.storage.connector.host": place.host,
        "druid.metadata.storage.connector.port": str(place.ports["derby"]),
        "druid.metadata.storage.connector.connectURI": (
            f"jdbc:derby://{derby}/{place.folder / 'metadata'};create=true"
        ),
        "druid.storage.type": "local",
        "druid.storage.storageDirectory": str(place.folder / "segments"),
        "druid.indexer.logs.type": "file",
        "druid.indexer.logs.directory": str(place.folder / "task-logs"),
        "druid.indexer.logs.kill.enabled": "true",
        "druid.indexer.logs.kill.durationToRetain": "604800000",
        "druid.emitter": "noop",
        "druid.server.http.numThreads": "20",
        # Long polls between the processes never end by themselves, and the default waits 30 s.
        "druid.server.http.gracefulShutdownTimeout": "PT3S",
        "druid.sql.enable": "true",
        "druid.lookup.enableLookupSyncOnStartup": "false",
    }


def _processing(size: Size) -> dict[str, str]:
    if not size.threads:
        return {}
    return {
        "druid.processing.numThreads": str(size.threads),
        "druid.processing.numMergeBuffers": str(size.merge_buffers),
        "druid.processing.buffer.sizeBytes": str(size.buffer * MIB),
    }


def _coordinator(place: Place) -> dict[str, str]:
    return {
        "druid.service": "druid/coordinator",
        "druid.plaintextPort": str(place.ports["coordinator"]),
        "druid.coordinator.asOverlord.enabled": "true",
        "druid.coordinator.asOverlord.overlordService": "druid/overlord",
        # Defaults suit large clusters: seconds here, so that a VM is of use soon after its start.
        "druid.coordinator.startDelay": "PT2S",
        "druid.coordinator.period": "PT1S",
        "druid.manager.segments.pollDuration": "PT1S",
        # Tasks that were left running are given to a worker once it is there: to one that comes
        # after them Druid 33 gives them a minute later.
        "druid.indexer.queue.startDelay": "PT8S",
        # A task that dies with its indexer counts as failed. Three of them, by default, make a
        # supervisor unhealthy until three have ended well, which takes hours.
        "druid.supervisor.taskUnhealthinessThreshold": "10",
        # How often it looks for days to compact and for segments to delete.
        "druid.coordinator.period.indexingPeriod": "PT10M",
        # What compaction or a retention rule has made unused is deleted a day later, whatever day
        # it is of: by default it would stay for ninety days.
        "druid.coordinator.kill.on": "true",
        "druid.coordinator.kill.ignoreDurationToRetain": "true",
        "druid.coordinator.kill.bufferPeriod": "P1D",
        # Tasks in heap would be lost with the overlord.
        "druid.indexer.storage.type": "metadata",
        # "remote" takes about 80 s to notice a dead worker, httpRemote 16 s.
        "druid.indexer.runner.type": "httpRemote",
    }


def _broker(place: Place) -> dict[str, str]:
    return {
        "druid.service": "druid/broker",
        "druid.plaintextPort": str(place.ports["broker"]),
        # How soon a new datasource becomes visible to SQL.
        "druid.sql.planner.metadataRefreshPeriod": "PT1S",
        "druid.broker.http.numConnections": "10",
    }


def _historical(place: Place) -> dict[str, str]:
    cache = place.folder / "segment-cache"
    return {
        "druid.service": "druid/historical",
        "druid.plaintextPort": str(place.ports["historical"]),
        "druid.segmentCache.locations": (
            f'[{{"path":"{cache}","maxSize":"{place.segment_cache}g"}}]'
        ),
        # A segment does not change, and a past day is one: what a query found in it is kept for the
        # next that asks the same of a week or a month.
        "druid.historical.cache.useCache": "true",
        "druid.historical.cache.populateCache": "true",
        "druid.cache.sizeInBytes": str(place.sizes["historical"].cache * MIB),
    }


def _indexer(place: Place) -> dict[str, str]:
    return {
        "druid.service": "druid/indexer",
        "druid.plaintextPort": str(place.ports["indexer"]),
        **_worker("indexer", place),
    }


def _middle_manager(place: Place) -> dict[str, str]:
    tasks = _processing(place.sizes[PEON])
    return {
        "druid.service": "druid/middleManager",
        "druid.plaintextPort": str(place.ports["middleManager"]),
        **_worker("middleManager", place),
        "druid.indexer.runner.startPort": str(place.ports[PEON]),
        "druid.indexer.runner.javaOptsArray": json.dumps(jvm_options(PEON, place)),
        # What the middle manager has of `druid.*` its tasks get too; these they get beside it.
        **{f"druid.indexer.fork.property.{name}": value for name, value in tasks.items()},
    }


def _worker(service: str, place: Place) -> dict[str, str]:
    return {
        "druid.worker.capacity": str(place.sizes[service].capacity),
        "druid.indexer.task.baseTaskDir": str(place.folder / "tasks"),
        # A task that goes on from its disk reads an event twice, the one whose row made it persist:
        # Druid 33 notes the offset before that event beside rows that include it. A new task reads
        # from the offsets that are published with the segments, which are exact.
        "druid.indexer.task.restoreTasksOnRestart": "false",
        # How often a task asks whether a historical has its segments: a minute by default.
        "druid.segment.handoff.pollDuration": "PT1S",
    }


def _router(place: Place) -> dict[str, str]:
    return {
        "druid.service": "druid/router",
        "druid.plaintextPort": str(place.ports["router"]),
        # One address for queries and for the supervisor API.
        "druid.router.managementProxy.enabled": "true",
        "druid.router.http.numConnections": "10",
    }


_SPECIFIC = {
    "coordinator": _coordinator,
    "broker": _broker,
    "historical": _historical,
    "indexer": _indexer,
    "middleManager": _middle_manager,
    "router": _router,
}
