"""The processes of the stack, as one supervisord configuration.

supervisord starts them, restarts them when they crash, rotates their logs and stops them. It stops
one group after the other, in the reverse of their order of start. So Airflow's tasks end while
Kafka still answers, and Druid closes its ZooKeeper sessions while ZooKeeper still runs.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from include.druid import runtime
from include.stack import airflow, extension, kafka, secret_files, security, zookeeper
from include.stack.java import JavaProduct, write_argument_file
from include.stack.settings import HOST, Settings

#: Groups in the order of their start. Only the Compute Engine emulator starts the VM's groups.
VM_GROUPS = ("zookeeper", "druid")
GROUPS = ("kafka", "compute", *VM_GROUPS, "airflow")

#: JVM option for a faster start: Druid's start-up is mostly class loading and code that runs once,
#: for which the C1 compiler alone is faster.
QUICK_START = "-XX:TieredStopAtLevel=1"

#: The Druid service that ingests, and so runs without `QUICK_START`: C1 alone costs it a fifth of
#: its rows per second, measured over 400,000 sales.
NEEDS_C2 = "indexer"


@dataclass(frozen=True)
class Process:
    """A process that supervisord keeps running.

    Attributes:
        stop_seconds: seconds from SIGTERM to SIGKILL.
    """

    group: str
    name: str
    command: Sequence[str]
    stop_seconds: int = 10


def supervisor_socket(settings: Settings) -> Path:
    """Return the path of the unix socket on which supervisord listens."""
    return settings.home / "supervisor.sock"


def druid_deployment(settings: Settings) -> runtime.Deployment:
    """Return the embedded deployment of Druid, for the renderer that all deployments share."""
    return runtime.Deployment(
        host=HOST,
        ports=settings.ports,
        zookeeper=settings.address("zookeeper"),
        folder=settings.home / "druid",
        sizes=runtime.EMBEDDED_SIZES,
        jvm_flags=("-XX:+UseSerialGC",),
    )


def all_processes(settings: Settings, products: Mapping[str, JavaProduct]) -> list[Process]:
    """Return every process, and write the configuration files that their commands name."""
    return [
        _kafka(settings, products["kafka"]),
        _compute(settings),
        _zookeeper(settings, products["druid"]),
        *(_druid(settings, products["druid"], service) for service in runtime.SERVICES),
        _proxy(settings),
        *(
            Process("airflow", name, airflow.command(name), stop_seconds=15)
            for name in airflow.COMPONENTS
        ),
    ]


def write_supervisord_configuration(settings: Settings, processes: Sequence[Process]) -> Path:
    """Write `supervisord.conf` and return its path."""
    settings.logs.mkdir(parents=True, exist_ok=True)
    socket = supervisor_socket(settings)
    parts = [
        f"""
[unix_http_server]
file={socket}
chmod=0700

[supervisord]
logfile={settings.logs / "supervisord.log"}
logfile_maxbytes=5MB
logfile_backups=1
pidfile={settings.home / "supervisord.pid"}
directory={settings.home}
umask=077
minfds=4096

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{socket}
"""
    ]
    for priority, group in enumerate(GROUPS):
        members = [process for process in processes if process.group == group]
        names = ",".join(process.name for process in members)
        parts.append(f"\n[group:{group}]\nprograms={names}\npriority={priority}\n")
        parts += [_program(settings, process) for process in members]
    file = settings.home / "supervisord.conf"
    # "%" starts an expansion in supervisord's files, and no value here needs an expansion.
    secret_files.write(file, "".join(parts).replace("%", "%%"))
    return file


def _program(settings: Settings, process: Process) -> str:
    command = " ".join(f'"{part}"' for part in process.command)
    # supervisord expands this value, and no other, twice.
    log = str(settings.logs / f"{process.name}.log").replace("%", "%%")
    return f"""
[program:{process.name}]
command={command}
autostart={"false" if process.group in VM_GROUPS else "true"}
autorestart=true
startsecs=1
startretries=10
stopwaitsecs={process.stop_seconds}
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=3
"""


def _kafka(settings: Settings, product: JavaProduct) -> Process:
    properties = _write(settings, "kafka.properties", kafka.server_properties(settings))
    kafka.format_storage(product, settings, properties, kafka.new_cluster_id())
    arguments = product.arguments("kafka.Kafka", kafka.JVM_OPTIONS)
    command = write_argument_file(
        settings.home / "conf" / "kafka.args", [*arguments, str(properties)]
    )
    return Process("kafka", "kafka", command, stop_seconds=20)


def _compute(settings: Settings) -> Process:
    groups = [part for group in VM_GROUPS for part in ("--group", group)]
    command = [
        *(sys.executable, "-m", "include.stack.compute"),
        *("--host", HOST, "--port", str(settings.ports["compute"])),
        *("--state", str(settings.home / "compute.json")),
        *("--supervisor-socket", str(supervisor_socket(settings))),
        *groups,
    ]
    return Process("compute", "compute", command)


def _zookeeper(settings: Settings, product: JavaProduct) -> Process:
    values = zookeeper.configuration(settings) | security.ZOOKEEPER_LOGIN
    configuration = _write(settings, "zoo.cfg", values)
    options = [*zookeeper.JVM_OPTIONS, *security.zookeeper_jvm_options(settings)]
    arguments = product.arguments(zookeeper.MAIN, options)
    command = write_argument_file(
        settings.home / "conf" / "zookeeper.args", [*arguments, str(configuration)]
    )
    return Process("zookeeper", "zookeeper", command)


def _druid(settings: Settings, product: JavaProduct, service: str) -> Process:
    deployment = druid_deployment(settings)
    (settings.home / "druid" / "tmp").mkdir(parents=True, exist_ok=True)
    properties = runtime.properties(service, deployment) | security.druid_properties(settings)
    folder = _write(settings, f"{service}/runtime.properties", properties).parent
    options = [*runtime.jvm_options(service, deployment), *security.druid_jvm_options(settings)]
    if service != NEEDS_C2:
        options.append(QUICK_START)
    extra = [folder, extension.folder(settings.cache)]
    arguments = product.arguments("org.apache.druid.cli.Main", options, extra=extra)
    command = write_argument_file(
        settings.home / "conf" / f"{service}.args", [*arguments, "server", service]
    )
    return Process("druid", service, command, stop_seconds=20)


def _proxy(settings: Settings) -> Process:
    port, tls = settings.ports["druid"], []
    if settings.secure:
        port = settings.ports["druid-tls"]
        tls = ["--certificate", str(security.authority(settings).server("druid"))]
    command = [
        *(sys.executable, "-m", "include.stack.proxy"),
        *("--host", HOST, "--port", str(port)),
        *("--to", settings.url("router"), "--key", str(security.druid_key(settings))),
        *("--airflow", settings.url("airflow"), *tls),
    ]
    # In production the router is on the VM, so the proxy stops when the VM stops.
    return Process("druid", "proxy", command)


def _write(settings: Settings, name: str, values: Mapping[str, str]) -> Path:
    file = settings.home / "conf" / name
    secret_files.write(file, runtime.render(values))
    return file
