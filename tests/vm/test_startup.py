"""The VM's startup script, run on a throwaway Debian, whose systemd runs the real Druid.

There are stand-ins for Google (`fake_google.py`), for Compute Engine's guest agent (a unit that
runs the script at boot), and for Druid's archive, whose `lib` and `extensions` are the embedded
stack's jars. So its class path differs from the real one, and the archive lacks
`druid-basic-security`, `druid-google-extensions` and `postgresql-metadata-storage`:
`jvm_of_the_test` sets Druid's options accordingly, and gives it less memory. The configuration and
the units are the VM's own.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from include.gcp.definition import VmSettings, instance
from include.gcp.google import BUCKET_PERMISSIONS
from include.stack import jars
from include.stack.settings import Settings
from include.waiting import WaitTimeoutError, wait_until
from tests.conftest import stack_settings
from tests.vm.machine import DISK, Machine, machine, skip_unless_possible

GOOGLE = "http://127.0.0.1:8000"
#: A secret with every character that a shell, systemd or a properties file could misread.
JAAS = """x.PlainLoginModule required username="k;#1" password="a'b\\$c`d%e\\\\ é";"""
SECRETS = {
    "ventas-kafka-jaas": JAAS + "\n",
    "ventas-druid-admin": "admin-secret",
    "ventas-druid-internal": "internal-secret",
}
EXTENSIONS = {
    "druid-kafka-indexing-service": ("druid-kafka-indexing-service", "kafka-clients"),
    "druid-datasketches": ("druid-datasketches",),
}
PORTS = {"2181", "8081", "8082", "8083", "8091", "8888"}
PROCESSES = ("zookeeper", "coordinator", "broker", "historical", "middleManager", "router")

GUEST_AGENT = """
[Unit]
Description=Stands in for Compute Engine's guest agent
After=network-online.target
[Service]
Type=oneshot
EnvironmentFile=/etc/default/ventas
ExecStart=/bin/sh -c 'curl -sf -H "Metadata-Flavor: Google" \
 $METADATA_URL/computeMetadata/v1/instance/attributes/startup-script >/run/script && sh /run/script'
StandardError=journal+console
"""


def jvm_of_the_test() -> str:
    """Return a unit's drop-in: little memory, and only extensions of the embedded stack's jars."""
    options = [
        "-Xms64m -Xmx320m -XX:MaxDirectMemorySize=400m -XX:TieredStopAtLevel=1",
        "-Ddruid.processing.buffer.sizeBytes=16777216 -Ddruid.processing.numThreads=1",
        "-Ddruid.processing.numMergeBuffers=2",
        f"'-Ddruid.extensions.loadList={json.dumps(list(EXTENSIONS))}'",
        """'-Ddruid.auth.authenticatorChain=["allowAll"]'""",
        """'-Ddruid.auth.authorizers=["allowAll"]' -Ddruid.escalator.type=noop""",
        "-Ddruid.auth.authenticator.allowAll.type=allowAll",
        "-Ddruid.auth.authorizer.allowAll.type=allowAll",
    ]
    told = " ".join(options).replace('"', '\\"')
    return f'[Service]\nEnvironment="_JAVA_OPTIONS={told}"\n'


def make_archive(file: Path, settings: Settings) -> str:
    """Make Druid's archive from the embedded stack's jars, and return its SHA-256."""
    locked = [jar for jar in jars.read_lock() if jar.product == "druid"]
    folder = {name: f"extensions/{e}" for e, names in EXTENSIONS.items() for name in names}
    paths = jars.fetch(locked, settings.cache / "maven")["druid"]
    with (
        gzip.GzipFile(file, "wb", compresslevel=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for jar, path in zip(locked, paths, strict=True):
            tar.add(path, f"apache-druid-33.0.0/{folder.get(jar.artifact, 'lib')}/{path.name}")
    return jars.sha256_of(file)


class Google:
    """The fake Google's state."""

    def __init__(self, file: Path, archive: Path, checksum: str) -> None:
        self._file = file
        self._transfers = file.with_name(f"{file.name}.transfers")
        body = instance(
            VmSettings(
                zone="southamerica-east1-a",
                machine_type="n2-standard-4",
                rate="1000",
                bucket="",
                druid_url=f"{GOOGLE}/druid/apache-druid-33.0.0-bin.tar.gz",
                druid_checksum=checksum,
                druid_properties="",
                secret_kafka_jaas="ventas-kafka-jaas",
                secret_druid_admin="ventas-druid-admin",
                secret_druid_internal="ventas-druid-internal",
                secret_metadata="ventas-metadata",
                metadata_uri="",
                metadata_ca="",
                metadata_user="druid",
            )
        )
        self.state: dict[str, Any] = {
            "metadata": {
                "project/project-id": "tienda",
                "instance/machine-type": f"projects/1/machineTypes/{'n2-standard-4'}",
                **{
                    f"instance/attributes/{item['key']}": item["value"]
                    for item in body["metadata"]["items"]
                },
            },
            "secrets": dict(SECRETS),
            "buckets": {},
            "archive": str(archive),
            "network": {},
        }
        self.save()

    def save(self) -> None:
        self._file.write_text(json.dumps(self.state), encoding="utf-8")

    def take_transfers(self) -> list[int]:
        """Return the first offset of each transfer of the archive since the last call."""
        offsets = self._transfers.read_text().split() if self._transfers.exists() else []
        self._transfers.unlink(missing_ok=True)
        return [int(offset) for offset in offsets]

    def attribute(self, key: str, value: str) -> None:
        self.state["metadata"][f"instance/attributes/ventas-{key}"] = value


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vm")


@pytest.fixture(scope="module")
def google(folder: Path) -> Google:
    skip_unless_possible()
    archive = folder / "druid.tar.gz"
    return Google(folder / "google.json", archive, make_archive(archive, stack_settings()))


@pytest.fixture(scope="module")
def answers() -> Iterator[ExitStack]:
    """The running fake Google; each boot makes a new network, and so needs a new one."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def vm(folder: Path, google: Google, answers: ExitStack) -> Iterator[Machine]:
    with machine(stack_settings().cache, folder) as made:
        defaults = "".join(f"{name}_URL={GOOGLE}\n" for name in ("METADATA", "SECRETS", "STORAGE"))
        defaults += "STALLED_SECONDS=5\n"
        files = {
            "etc/default/ventas": defaults,
            # Compute Engine's resolver knows a VM's own name, and parts of Druid look it up.
            "etc/hostname": "druid-ventas\n",
            "etc/hosts": "127.0.0.1 localhost druid-ventas\n",
            "etc/systemd/system/guest-agent.service": GUEST_AGENT,
            "etc/systemd/system/druid@.service.d/test.conf": jvm_of_the_test(),
        }
        for name, text in files.items():
            (made.root / name).parent.mkdir(parents=True, exist_ok=True)
            (made.root / name).write_text(text, encoding="utf-8")
        made.boot()
        answers.enter_context(answering(made, folder))
        yield made


class answering:  # noqa: N801 - reads as a phrase where it is used
    """Context in which the fake Google answers on a machine's loopback."""

    def __init__(self, vm: Machine, folder: Path) -> None:
        script = Path(__file__).with_name("fake_google.py")
        self._command = [
            *vm.enter(),
            sys.executable,
            str(script),
            "8000",
            str(folder / "google.json"),
        ]
        self._wait = [
            *vm.enter(),
            "curl",
            "-so/dev/null",
            "--retry",
            "9",
            "--retry-connrefused",
            GOOGLE,
        ]

    def __enter__(self) -> None:
        self._process = subprocess.Popen(self._command)
        subprocess.run(self._wait, check=True, timeout=300)

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


def start(vm: Machine) -> str:
    """Run the startup script as the guest agent does, and return the console's new output."""
    before = len(vm.console)
    # systemd refuses a sixth start within ten seconds.
    vm.run("systemctl", "reset-failed")
    vm.run("systemctl", "start", "guest-agent.service", check=False)
    time.sleep(0.3)
    return vm.console[before:]


def state(vm: Machine, unit: str) -> str:
    return vm.run("systemctl", "is-active", unit, check=False).strip()


# The tests below depend on each other: they follow the life of one VM.


def checksum(google: dict[str, Any]) -> None:
    google["metadata"]["instance/attributes/ventas-druid-checksum"] = "0" * 128


def no_checksum(google: dict[str, Any]) -> None:
    google["metadata"]["instance/attributes/ventas-druid-checksum"] = "none"


def no_secret(google: dict[str, Any]) -> None:
    del google["secrets"]["ventas-druid-admin"]


def secret_not_granted(google: dict[str, Any]) -> None:
    google["secrets"]["ventas-kafka-jaas"] = 403


def secret_of_two_lines(google: dict[str, Any]) -> None:
    google["secrets"]["ventas-kafka-jaas"] = "one\ntwo"


def no_bucket(google: dict[str, Any]) -> None:
    google["metadata"]["instance/attributes/ventas-bucket"] = "tienda-druid"


def bucket_not_granted(google: dict[str, Any]) -> None:
    google["metadata"]["instance/attributes/ventas-bucket"] = "tienda-druid"
    google["buckets"]["tienda-druid"] = list(BUCKET_PERMISSIONS[2:])


def no_archive(google: dict[str, Any]) -> None:
    google["archive"] += ".missing"


def machine_too_small(google: dict[str, Any]) -> None:
    google["metadata"]["instance/machine-type"] = "projects/1/machineTypes/n2-highcpu-2"


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (checksum, "has another checksum than 000"),
        (no_archive, "-bin.tar.gz (curl: (22) The requested URL returned error: 404): correct"),
        (no_checksum, "druid_checksum in the connection's extra must be a SHA-256 or SHA-512"),
        (
            no_secret,
            "secret 'ventas-druid-admin' (`secret_druid_admin` in the connection's extra) has no",
        ),
        (secret_not_granted, "may not read secret 'ventas-kafka-jaas' of project tienda: grant"),
        (secret_of_two_lines, "secret 'ventas-kafka-jaas' must be one line of text"),
        (no_bucket, "bucket 'tienda-druid' does not exist: create it"),
        (
            bucket_not_granted,
            "lacks storage.objects.create, storage.objects.delete on bucket 'tienda-druid'",
        ),
        (
            machine_too_small,
            "`machine_type` or `rate` in the connection's extra: n2-highcpu-2 has 2 GiB",
        ),
    ],
)
def test_failed_start_prints_one_error_on_the_console_and_leaves_nothing(
    vm: Machine, google: Google, spoil: Callable[[dict[str, Any]], None], sentence: str
) -> None:
    good = json.dumps(google.state)
    spoil(google.state)
    google.save()
    try:
        told = start(vm)
    finally:
        google.state = json.loads(good)
        google.save()
    errors = [line for line in told.splitlines() if "ventas: ERROR" in line]
    assert len(errors) == 1, told
    assert sentence in errors[0]
    assert "Traceback" not in told
    assert state(vm, "ventas-setup.service") == "failed"
    assert state(vm, "druid.target") == "inactive"
    left = "ls -d /opt/druid* /etc/druid /run/druid /run/ventas-setup /var/tmp/*druid* 2>/dev/null"
    assert vm.run("sh", "-c", left, check=False) == ""
    vm.run("cmp", "--bytes=67108864", DISK, "/dev/zero")


def test_wrong_archive_after_a_continued_download_is_refused_and_removed(
    vm: Machine, google: Google
) -> None:
    partial, outdated = archive_on(vm, google), vm.root / "var/tmp/druid-0.tar.gz"
    partial.write_bytes(bytes(1_000_000))
    outdated.touch()
    google.take_transfers()
    told = start(vm)
    assert "ventas: installing Druid: continuing its download after 1 MB" in told
    assert "has another checksum than" in told
    assert google.take_transfers() == [1_000_000]
    assert not partial.exists()
    assert not outdated.exists()
    assert state(vm, "ventas-setup.service") == "failed"


def test_bucket_that_cannot_continue_a_download_sends_all_of_it_to_the_vms_account(
    vm: Machine, google: Google
) -> None:
    good = json.dumps(google.state)
    google.attribute("druid-url", f"{GOOGLE}/own-bucket/apache-druid-33.0.0-bin.tar.gz")
    google.attribute("druid-checksum", "0" * 128)
    google.state["network"] = {"ranges": False}
    google.save()
    archive_on(vm, google).write_bytes(bytes(1_000_000))
    try:
        told = start(vm)
    finally:
        google.state = json.loads(good)
        google.save()
    assert "the server cannot continue a download, so it starts again" in told
    assert "has another checksum than 000" in told
    assert google.take_transfers() == [0, 0]


def test_slow_download_continues_after_a_closed_connection_and_a_stall(
    vm: Machine, google: Google, folder: Path, answers: ExitStack
) -> None:
    size = Path(google.state["archive"]).stat().st_size
    closed, stalled = size // 5, size // 3
    google.state["network"] = {"rate": size / 20, "close_at": [closed], "stall_at": [stalled]}
    google.save()
    before = len(vm.console)
    vm.run("systemctl", "reset-failed")
    vm.run("systemctl", "start", "--no-block", "guest-agent.service")
    partial = archive_on(vm, google)
    eventually(lambda: partial.exists() and partial.stat().st_size > size // 2, vm)
    answers.close()
    vm.off()
    assert size // 2 < partial.stat().st_size < size
    offsets = google.take_transfers()
    assert offsets == sorted(offsets)
    # Each transfer begins at the byte at which the one before ended.
    assert {0, closed, stalled} <= set(offsets)
    told = vm.console[before:]
    assert f"of {size // 1_000_000} MB fetched" in told
    assert told.count("ventas: installing Druid: the download broke off (curl: (") >= 2

    vm.boot()
    answers.enter_context(answering(vm, folder))


def test_first_start_continues_the_download_formats_the_disk_and_starts_druid(
    vm: Machine, google: Google
) -> None:
    partial = archive_on(vm, google)
    left = partial.stat().st_size
    told = start(vm)
    google.state["network"] = {}
    google.save()
    assert f"ventas: installing Druid: continuing its download after {left // 1_000_000} MB" in told
    assert google.take_transfers()[0] == left
    assert not partial.exists()
    assert "ventas: formatting the new data disk" in told
    assert "ventas: Druid is starting: its router will answer on port 8888" in told
    eventually(lambda: sql(vm, "SELECT 1 AS n") == [{"n": 1}], vm)
    # The broker alone answers this query: the other processes may still be starting.
    eventually(lambda: ports(listening(vm)) >= PORTS, vm)
    eventually(lambda: curl(vm, "/druid/indexer/v1/workers").startswith('[{"worker"'), vm)
    assert [p for p in PROCESSES if state(vm, f"druid@{p}.service") != "active"] == []
    assert state(vm, "ventas-setup.service") == "inactive"


def test_only_the_router_listens_beyond_loopback(vm: Machine) -> None:
    addresses = listening(vm)
    beyond = {a for a in addresses if not a.startswith(("127.0.0.1:", "[::ffff:127.0.0.1]:"))}
    assert ports(beyond) == {"8888"}, addresses


def test_secrets_are_only_in_the_processes_environment(vm: Machine) -> None:
    for process in PROCESSES:
        environment = vm.run("cat", f"/proc/{main_pid(vm, process)}/environ").split("\0")
        assert f"KAFKA_JAAS_CONFIG={JAAS}" in environment
        assert "DRUID_ADMIN_PASSWORD=admin-secret" in environment
    assert vm.run("stat", "-c", "%a %U", "/run/druid/secrets.env") == "600 root\n"
    told = vm.console + vm.run("ps", "-eww", "-o", "args") + vm.run("journalctl", "--no-pager")
    for part in ("a'b", "admin-secret", "internal-secret"):
        assert part not in told
        # Devices, sockets and FIFOs are skipped: they have no content.
        assert (
            vm.run(
                "grep", "-rlFs", "--devices=skip", part, "/etc", "/opt/ventas", "/var", check=False
            )
            == ""
        )


def test_task_runs_in_its_own_jvm_and_its_rows_can_be_queried(vm: Machine) -> None:
    task = json.loads(post(vm, "/druid/indexer/v1/task", TASK))["task"]
    eventually(lambda: task_status(vm, task) in ("SUCCESS", "FAILED"), vm)
    assert task_status(vm, task) == "SUCCESS"
    eventually(lambda: rows(vm) == [{"n": 2}], vm)


def test_second_start_changes_nothing(vm: Machine) -> None:
    before, pids = tree(vm), [main_pid(vm, process) for process in PROCESSES]
    told = start(vm)
    assert "ventas: Druid runs as it should: nothing to change" in told
    assert tree(vm) == before
    assert [main_pid(vm, process) for process in PROCESSES] == pids


def test_stop_between_download_and_unpacking_needs_no_second_download(
    vm: Machine, google: Google
) -> None:
    archive = archive_on(vm, google)
    shutil.copyfile(google.state["archive"], archive)
    vm.run("mv", "/opt/druid", "/opt/druid.new")
    vm.run("rm", "/opt/druid.new/.checksum")
    google.take_transfers()
    told = start(vm)
    assert "ventas: installing Druid: unpacking its archive" in told
    assert google.take_transfers() == []
    assert not archive.exists()
    assert vm.run("ls", "/opt") == "druid\nventas\n"
    eventually(lambda: rows(vm) == [{"n": 2}], vm)


def test_data_survives_a_power_failure_and_a_new_secret_is_used(
    vm: Machine, google: Google, folder: Path
) -> None:
    google.state["secrets"]["ventas-druid-admin"] = "another-secret"
    google.save()
    vm.off()
    vm.boot()
    with answering(vm, folder):
        told = start(vm)
        assert "formatting" not in told
        assert "installing" not in told
        eventually(lambda: rows(vm) == [{"n": 2}], vm)
        environment = vm.run("cat", f"/proc/{main_pid(vm, 'router')}/environ").split("\0")
        assert "DRUID_ADMIN_PASSWORD=another-secret" in environment


def test_disk_that_is_neither_new_nor_ext4_is_not_changed(vm: Machine, folder: Path) -> None:
    vm.off()
    disk = folder / "disk"
    with disk.open("r+b") as file:
        file.truncate(0)
        file.truncate(4 * 2**30)
        file.write(b"somebody else's data")
    vm.boot()
    with answering(vm, folder):
        told = start(vm)
    assert "ERROR: the data disk is neither new nor an ext4 file system" in told
    with disk.open("rb") as file:
        assert file.read(4096).rstrip(b"\0") == b"somebody else's data"
    assert state(vm, "druid.target") == "inactive"


TASK = {
    "type": "index_parallel",
    "spec": {
        "dataSchema": {
            "dataSource": "prueba",
            "timestampSpec": {"column": "ts", "format": "iso"},
            "dimensionsSpec": {"dimensions": ["sucursal"]},
            "granularitySpec": {"rollup": False},
        },
        "ioConfig": {
            "type": "index_parallel",
            "inputFormat": {"type": "json"},
            "inputSource": {
                "type": "inline",
                "data": '{"ts":"2026-11-24T12:00:00Z","sucursal":"A"}\n'
                '{"ts":"2026-11-24T12:00:01Z","sucursal":"B"}',
            },
        },
    },
}


def archive_on(vm: Machine, google: Google) -> Path:
    """Return the file on the machine that Druid's archive is fetched into."""
    checksum = google.state["metadata"]["instance/attributes/ventas-druid-checksum"]
    return vm.root / f"var/tmp/druid-{checksum}.tar.gz"


def listening(vm: Machine) -> set[str]:
    """Return the addresses, with their ports, on which processes listen."""
    told = subprocess.run([*vm.enter(), "ss", "-Hltn"], check=True, capture_output=True, text=True)
    return {line.split()[3] for line in told.stdout.splitlines()}


def ports(addresses: set[str]) -> set[str]:
    return {address.rpartition(":")[2] for address in addresses}


def curl(vm: Machine, path: str, *options: str) -> str:
    command = ["curl", "-s", "--max-time", "20", *options, f"http://127.0.0.1:8888{path}"]
    return subprocess.run(
        [*vm.enter(), *command], check=False, capture_output=True, text=True
    ).stdout


def post(vm: Machine, path: str, body: dict[str, Any]) -> str:
    return curl(vm, path, "-H", "Content-Type: application/json", "-d", json.dumps(body))


def sql(vm: Machine, query: str) -> Any:
    # By curl, on the machine: its network is its own, and the project's client is outside.
    try:
        return json.loads(post(vm, "/druid/v2/sql", {"query": query}))
    except ValueError:
        return None


def rows(vm: Machine) -> Any:
    return sql(vm, "SELECT COUNT(*) AS n FROM prueba")


def task_status(vm: Machine, task: str) -> str:
    answer = json.loads(curl(vm, f"/druid/indexer/v1/task/{task}/status"))
    return str(answer["status"]["statusCode"])


def main_pid(vm: Machine, process: str) -> str:
    return vm.run("systemctl", "show", "-P", "MainPID", f"druid@{process}.service").strip()


def eventually(what: Callable[[], bool], vm: Machine) -> None:
    try:
        wait_until(what, "the machine", 300, interval=1)
    except WaitTimeoutError as late:
        told = vm.run("journalctl", "--no-pager", "-n", "60")
        raise AssertionError(f"{late} The journal's end:\n{told}") from late


def tree(vm: Machine) -> str:
    """Return a hash of what a second start could change: files, modes, owners, times, contents."""
    find = (
        "find /etc /opt /usr /var -path /var/lib/druid/?* -prune -o -path /var/log -prune -o"
        " -path /var/tmp -prune -o -printf '%p %y %m %u %g %s %T@ %l\\n' | sort;"
        " find /etc /opt/ventas /run/druid -type f -print0 | sort -z | xargs -0 sha256sum"
    )
    return hashlib.sha256(vm.run("sh", "-c", find).encode()).hexdigest()
