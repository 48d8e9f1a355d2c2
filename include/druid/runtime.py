"""Render Druid's configuration for any host: embedded processes, containers or a VM.

A `Deployment` describes where Druid runs. Its `runtime.properties` and JVM options are made here,
so the three deployments cannot drift apart. Formulas and defaults: Druid 33 documentation, "Basic
cluster tuning" and "Configuration reference".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

#: Druid's processes; the coordinator is also the overlord.
SERVICES = ("coordinator", "broker", "historical", "indexer", "router")

#: Processes on a VM. There each task has its own JVM: it takes more memory, but a task that fails
#: cannot harm another task.
VM_SERVICES = ("coordinator", "broker", "historical", "middleManager", "router")

#: The peon is the JVM of one task; `Deployment` has its memory and its first port under this name.
PEON = "peon"

#: A VM has enough cores for a concurrent garbage collector.
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

#: Processes that parse records: the indexer, in which all tasks run, or the peon of each task.
_READERS = ("indexer", PEON)

#: Thread stack of the processes that parse records, MiB. Druid 33 parses nested JSON by recursion,
#: one frame per level. A record that overflows the stack ends its task, and every later task that
#: reads it, for ever. This is enough for a record of a megabyte, Kafka's limit, that consists only
#: of brackets. It takes address space, and no memory unless such a record is read.
_READERS_STACK = 256

MIB = 1024 * 1024


@dataclass(frozen=True)
class Size:
    """Resources of one process.

    Attributes:
        heap: JVM heap, MiB.
        threads: processing threads (0 if the process runs no queries).
        merge_buffers: buffers for group-by merges.
        buffer: size of each processing buffer, MiB.
        capacity: tasks that run at the same time (indexer or middle manager only).
        cache: part of the heap for the segment query cache, MiB (historical only).
    """

    heap: int
    threads: int = 0
    merge_buffers: int = 0
    buffer: int = 0
    capacity: int = 0
    cache: int = 0

    @property
    def direct(self) -> int:
        """Direct memory, MiB: (threads + merge buffers + 1) x buffer, plus 64 for Netty and Jetty.

        The indexer's tasks share the threads and merge buffers of its process.
        """
        return (self.threads + self.merge_buffers + 1) * self.buffer + 64


#: Sizes for two cores shared with Kafka and Airflow: small buffers, and one processing thread per
#: process; the historical has two, because only it reads many segments.
EMBEDDED_SIZES: Mapping[str, Size] = {
    "coordinator": Size(heap=320),
    "broker": Size(heap=320, threads=1, merge_buffers=2, buffer=32),
    "historical": Size(heap=384, threads=2, merge_buffers=4, buffer=32, cache=128),
    "indexer": Size(heap=640, threads=1, merge_buffers=2, buffer=32, capacity=4),
    "router": Size(heap=96),
}


@dataclass(frozen=True)
class Deployment:
    """Where one Druid runs.

    Attributes:
        host: name or address that the processes advertise and bind to.
        ports: port by service, and ``derby``; with a middle manager also ``peon``, the first port
            of its tasks.
        zookeeper: ``host:port`` of ZooKeeper.
        folder: folder for segments, tasks and metadata.
        sizes: resources by service; with a middle manager also ``peon``, those of each task.
        jvm_flags: additional flags of this deployment, e.g. the garbage collector.
        segment_cache: disk space for the historical's segments, GiB.
    """

    host: str
    ports: Mapping[str, int]
    zookeeper: str
    folder: PurePath
    sizes: Mapping[str, Size]
    jvm_flags: tuple[str, ...] = ()
    segment_cache: int = 20


def properties(service: str, deployment: Deployment) -> dict[str, str]:
    """Return the `runtime.properties` of one process, common properties included."""
    return (
        _common(deployment)
        | _SPECIFIC[service](deployment)
        | _processing(deployment.sizes[service])
    )


def jvm_options(service: str, deployment: Deployment) -> list[str]:
    """Return the JVM options of one process: memory, encoding, time zone, Java 17 module flags."""
    size = deployment.sizes[service]
    return [
        f"-Xms{size.heap // 2}m",
        f"-Xmx{size.heap}m",
        f"-XX:MaxDirectMemorySize={size.direct}m",
        *([f"-Xss{_READERS_STACK}m"] if service in _READERS else []),
        "-XX:+ExitOnOutOfMemoryError",
        "-Duser.timezone=UTC",
        "-Dfile.encoding=UTF-8",
        f"-Djava.io.tmpdir={deployment.folder / 'tmp'}",
        f"-Dderby.stream.error.file={deployment.folder / 'derby.log'}",
        "-Djava.util.logging.manager=org.apache.logging.log4j.jul.LogManager",
        *JAVA_17_FLAGS,
        *deployment.jvm_flags,
    ]


def render(settings: Mapping[str, str]) -> str:
    return "".join(f"{name}={_escaped(value)}\n" for name, value in sorted(settings.items()))


def _escaped(value: str) -> str:
    # Kafka and ZooKeeper read these files as Latin-1, Druid as UTF-8: all three read escapes alike.
    return json.dumps(value)[1:-1].replace('\\"', '"')


def _common(deployment: Deployment) -> dict[str, str]:
    derby = f"{deployment.host}:{deployment.ports['derby']}"
    return {
        "druid.host": deployment.host,
        # Without it every process listens on all interfaces.
        "druid.bindOnHost": "true",
        "druid.extensions.loadList": "[]",
        "druid.extensions.searchCurrentClassloader": "true",
        "druid.zk.service.host": deployment.zookeeper,
        "druid.metadata.storage.type": "derby",
        "druid.metadata.storage.connector.host": deployment.host,
        "druid.metadata.storage.connector.port": str(deployment.ports["derby"]),
        "druid.metadata.storage.connector.connectURI": (
            f"jdbc:derby://{derby}/{deployment.folder / 'metadata'};create=true"
        ),
        "druid.storage.type": "local",
        "druid.storage.storageDirectory": str(deployment.folder / "segments"),
        "druid.indexer.logs.type": "file",
        "druid.indexer.logs.directory": str(deployment.folder / "task-logs"),
        "druid.indexer.logs.kill.enabled": "true",
        "druid.indexer.logs.kill.durationToRetain": "604800000",
        "druid.emitter": "noop",
        "druid.server.http.numThreads": "20",
        # Long polls between the processes never end by themselves; by default, a stop waits 30 s
        # for them.
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


def _coordinator(deployment: Deployment) -> dict[str, str]:
    return {
        "druid.service": "druid/coordinator",
        "druid.plaintextPort": str(deployment.ports["coordinator"]),
        "druid.coordinator.asOverlord.enabled": "true",
        "druid.coordinator.asOverlord.overlordService": "druid/overlord",
        # The defaults suit large clusters; with these seconds, Druid is ready soon after a start.
        "druid.coordinator.startDelay": "PT2S",
        "druid.coordinator.period": "PT1S",
        "druid.manager.segments.pollDuration": "PT1S",
        # Wait for the workers before tasks from the previous run are assigned. If the worker
        # registers later, Druid 33 assigns them only after a minute.
        "druid.indexer.queue.startDelay": "PT8S",
        # A task that dies with its indexer counts as failed. With the default of three, a
        # supervisor stays unhealthy until three tasks have succeeded, which takes hours.
        "druid.supervisor.taskUnhealthinessThreshold": "10",
        # How often the coordinator looks for days to compact and segments to delete.
        "druid.coordinator.period.indexingPeriod": "PT10M",
        # Segments made unused by compaction or by a retention rule are deleted a day later,
        # whatever their date; by default they stay for ninety days.
        "druid.coordinator.kill.on": "true",
        "druid.coordinator.kill.ignoreDurationToRetain": "true",
        "druid.coordinator.kill.bufferPeriod": "P1D",
        # With the default, "local", tasks would be in the overlord's heap and lost with it.
        "druid.indexer.storage.type": "metadata",
        # "remote" notices a dead worker after about 80 s, "httpRemote" after 16 s.
        "druid.indexer.runner.type": "httpRemote",
        # An overlord that becomes the leader waits for each worker that ZooKeeper lists, also for a
        # worker that has just died: up to three times (this + 5 s). The default would be 9 minutes.
        "druid.indexer.runner.syncRequestTimeout": "PT10S",
        # A task that is assigned to a worker just as the worker dies never begins. It fails after
        # this, and the supervisor starts another one. The default would be 5 minutes.
        "druid.indexer.runner.taskAssignmentTimeout": "PT30S",
    }


def _broker(deployment: Deployment) -> dict[str, str]:
    return {
        "druid.service": "druid/broker",
        "druid.plaintextPort": str(deployment.ports["broker"]),
        # How soon a new datasource becomes visible to SQL.
        "druid.sql.planner.metadataRefreshPeriod": "PT1S",
        "druid.broker.http.numConnections": "10",
        # Druid 33 also reads projections for queries that they do not fit (`projections`).
        "druid.query.default.context.noProjections": "true",
    }


def _historical(deployment: Deployment) -> dict[str, str]:
    cache = deployment.folder / "segment-cache"
    return {
        "druid.service": "druid/historical",
        "druid.plaintextPort": str(deployment.ports["historical"]),
        "druid.segmentCache.locations": (
            f'[{{"path":"{cache}","maxSize":"{deployment.segment_cache}g"}}]'
        ),
        # Segments do not change, and a past day is one segment: its result is cached for later
        # queries of a week or a month.
        "druid.historical.cache.useCache": "true",
        "druid.historical.cache.populateCache": "true",
        "druid.cache.sizeInBytes": str(deployment.sizes["historical"].cache * MIB),
    }


def _indexer(deployment: Deployment) -> dict[str, str]:
    return {
        "druid.service": "druid/indexer",
        "druid.plaintextPort": str(deployment.ports["indexer"]),
        **_worker("indexer", deployment),
        # The documented default is half the capacity, but Druid 33 takes half the processors. With
        # one thread, a task waits to persist, and reads nothing, while segments are merged: a day
        # of millions of rows takes minutes.
        "druid.worker.numConcurrentMerges": str(deployment.sizes["indexer"].capacity // 2),
    }


def _middle_manager(deployment: Deployment) -> dict[str, str]:
    tasks = _processing(deployment.sizes[PEON])
    return {
        "druid.service": "druid/middleManager",
        "druid.plaintextPort": str(deployment.ports["middleManager"]),
        **_worker("middleManager", deployment),
        "druid.indexer.runner.startPort": str(deployment.ports[PEON]),
        "druid.indexer.runner.javaOptsArray": json.dumps(jvm_options(PEON, deployment)),
        # Tasks inherit the middle manager's `druid.*` properties; these are added for them.
        **{f"druid.indexer.fork.property.{name}": value for name, value in tasks.items()},
    }


def _worker(service: str, deployment: Deployment) -> dict[str, str]:
    return {
        "druid.worker.capacity": str(deployment.sizes[service].capacity),
        # How long a killed worker seems alive, by its node in ZooKeeper; by default, 30 s.
        "druid.zk.service.sessionTimeoutMs": "10000",
        "druid.indexer.task.baseTaskDir": str(deployment.folder / "tasks"),
        # A task restored from its disk reads one event twice, the event whose row made it persist:
        # Druid 33 stores the offset before that event together with rows that include it. A new
        # task starts from the offsets published with the segments, which are exact.
        "druid.indexer.task.restoreTasksOnRestart": "false",
        # How often a task asks whether a historical has loaded its segments; by default, a minute.
        "druid.segment.handoff.pollDuration": "PT1S",
    }


def _router(deployment: Deployment) -> dict[str, str]:
    return {
        "druid.service": "druid/router",
        "druid.plaintextPort": str(deployment.ports["router"]),
        # Makes the router's address serve both queries and the supervisor API.
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
