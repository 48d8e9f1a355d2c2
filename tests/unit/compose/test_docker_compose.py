"""The Compose file: valid, with full versions, only on loopback, without default secrets."""

from __future__ import annotations

import ast
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from jsonschema.protocols import Validator

from include.druid import container, runtime
from include.stack.compute.__main__ import main as compute_main
from include.stream.acls import load_acls
from tests.unit.compose.projects import (
    BASE,
    BUILT,
    DOCKERFILE,
    FILES,
    LOAD,
    PROJECTS,
    SECURE,
    project,
    read,
)

ROOT = Path(__file__).parents[3]
ONE_SHOT = {"airflow-init"}

#: For each image: the programs that its healthchecks start, and where the image's source shows that
#: it has them. The tags, and the sources at them or next to them, were looked up on 2026-11-24.
IMAGES = {
    "apache/airflow:3.3.2-python3.11": (
        {"curl", "python"},
        "apache/airflow: curl is in scripts/docker/install_os_dependencies.sh",
    ),
    "apache/druid:33.0.0": (
        {"wget"},
        "apache/druid: distribution/docker/Dockerfile installs busybox, whose applet it is",
    ),
    "apache/kafka:4.3.1": ({"bash"}, "apache/kafka: docker/jvm/Dockerfile adds the package"),
    "kafbat/kafka-ui:v1.5.0": (
        {"wget"},
        "kafbat/kafka-ui: api/Dockerfile is from Alpine, whose busybox has it",
    ),
    "postgres:17.6": ({"pg_isready"}, "docker-library/postgres: it is part of PostgreSQL"),
    "zookeeper:3.9.4": (
        {"bash"},
        "31z4/zookeeper-docker: the shell of 3.9.4/docker-entrypoint.sh",
    ),
}

#: User of each image's program: the `USER` of its Dockerfile or, for the two images whose entry
#: point starts as root, the user to which it changes. Looked up on 2026-11-29.
USERS = {
    "apache/airflow:3.3.2-python3.11": "airflow",
    "apache/druid:33.0.0": "druid",
    "apache/kafka:4.3.1": "appuser",
    "kafbat/kafka-ui:v1.5.0": "kafkaui",
    "postgres:17.6": "postgres",
    "zookeeper:3.9.4": "zookeeper",
}
#: Keys of a service that give it rights over the machine.
HOST_ACCESS = {
    *("privileged", "cap_add", "devices", "device_cgroup_rules", "cgroup", "cgroup_parent"),
    *("network_mode", "pid", "ipc", "userns_mode", "uts", "sysctls", "use_api_socket"),
}

# ${NAME:?what to do} and ${NAME:-default}; a `$` for the container's own shell is written twice.
REQUIRED = re.compile(r"\$\{(\w+):\?[^}]+\}")
DEFAULTED = re.compile(r"\$\{(\w+):-[^}]+\}")
SECRET_NAME = re.compile(r"PASSWORD|SECRET|FERNET|TOKEN|JAAS|SQL_ALCHEMY_CONN")
#: A placeholder that the broker itself replaces from its environment.
IN_BROKER = "${env:VENTAS_BROKER_JAAS_CONFIG}"


def strings(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        node = [*node.keys(), *node.values()]
    if isinstance(node, list):
        for item in node:
            yield from strings(item)
    elif isinstance(node, str):
        yield node


def validator() -> Validator:
    """Return a validator for the Compose project's own schema, which no package on PyPI carries."""
    schema = json.loads(Path(__file__).with_name("compose-spec.json").read_text(encoding="utf-8"))
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema)


@pytest.mark.parametrize("file", FILES)
def test_compose_file_follows_the_compose_specification(file: str) -> None:
    problems = [
        f"{error.json_path}: {error.message}" for error in validator().iter_errors(read(file))
    ]
    assert problems == []


@pytest.mark.parametrize("typo", ["enviroment", "depend_on", "health_check"])
def test_schema_refuses_a_misspelt_key(typo: str) -> None:
    assert not validator().is_valid({"services": {"kafka": {"image": "a", typo: {}}}})


def test_every_image_has_a_full_version(services: dict[str, Any]) -> None:
    assert {image(service) for service in services.values()} == set(IMAGES)
    for name in IMAGES:
        assert re.search(r":v?\d+\.\d+(\.\d+)?(-python3\.11)?$", name), name


def test_either_all_images_have_a_digest_or_none(services: dict[str, Any]) -> None:
    # `pin-images.sh` writes all of them; a tag that is changed by hand loses its digest.
    pinned = {"@sha256:" in reference(service) for service in services.values()}
    assert len(pinned) == 1


def test_versions_equal_those_of_the_embedded_stack(services: dict[str, Any]) -> None:
    locked = {
        artifact: version
        for _, _, artifact, version, *_ in (
            line.split("\t")
            for line in (ROOT / "include/stack/jars.lock").read_text().splitlines()
            if line.count("\t") >= 3
        )
        if artifact in ("druid-services", "kafka_2.13")
    }
    airflow = re.search(r"^apache-airflow==(\S+)", (ROOT / "requirements.txt").read_text(), re.M)
    assert airflow is not None
    assert image(services["kafka"]) == f"apache/kafka:{locked['kafka_2.13']}"
    assert image(services["druid-router"]) == f"apache/druid:{locked['druid-services']}"
    assert image(services["airflow-scheduler"]) == f"apache/airflow:{airflow[1]}-python3.11"


def reference(service: dict[str, Any]) -> str:
    """Return the image that a service runs, or from which Compose builds it, as the file has it."""
    if service["image"] != BUILT:
        return str(service["image"])
    found = re.search(r"^FROM (\S+:\S+)", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return found[1]


def image(service: dict[str, Any]) -> str:
    """Return the name and tag of a service's image, without the digest."""
    return reference(service).partition("@")[0]


def test_image_of_airflow_is_built_once_and_without_tools_of_the_tests(
    services: dict[str, Any],
) -> None:
    building = {name: service["build"] for name, service in services.items() if "build" in service}
    assert building == {
        "airflow-init": {
            "context": ".",
            "dockerfile": str(DOCKERFILE.relative_to(ROOT)),
            "target": "packages",
        }
    }
    text = DOCKERFILE.read_text(encoding="utf-8")
    assert re.findall(r"^FROM .* AS (\w+)$", text, re.MULTILINE) == ["packages", "code"]
    # What the file copies must be in the context, which `.dockerignore` opens by name.
    copied = re.findall(r"^COPY (\S+)", text, re.MULTILINE)
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignore
    assert {f"!{source}" for source in copied} <= set(ignore)
    assert "deploy/image/requirements.txt" in copied


def commands(healthcheck: list[str]) -> set[str]:
    """Return the programs that a healthcheck starts, one or those of a shell's pipe."""
    kind, *words = healthcheck
    if kind == "CMD":
        return {words[0]}
    return {part.split()[0] for part in words[0].split("|")}


def test_healthchecks_use_only_programs_of_their_image(services: dict[str, Any]) -> None:
    started: dict[str, set[str]] = {}
    for service in services.values():
        if "healthcheck" in service:
            found = commands(service["healthcheck"]["test"])
            started[image(service)] = started.get(image(service), set()) | found
    assert started == {name: programs for name, (programs, _) in IMAGES.items()}


@pytest.mark.parametrize("overrides", PROJECTS)
def test_only_four_ports_are_published_and_on_loopback(overrides: tuple[str, ...]) -> None:
    services = project(*overrides)["services"]
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {
        "airflow-api-server": ["127.0.0.1:${VENTAS_PORT_AIRFLOW:-8080}:8080"],
        "guard-druid": ["127.0.0.1:${VENTAS_PORT_ROUTER:-8888}:8888"],
        "guard-kafka-ui": ["127.0.0.1:${VENTAS_PORT_KAFKA_UI:-8084}:8080"],
        "kafka": ["127.0.0.1:${VENTAS_PORT_KAFKA:-9092}:9094"],
    }


@pytest.mark.parametrize("overrides", PROJECTS)
def test_kafka_sends_clients_of_the_host_to_its_published_port(overrides: tuple[str, ...]) -> None:
    service = project(*overrides)["services"]["kafka"]
    advertised = dict(
        it.split("://") for it in service["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")
    )
    listening = dict(it.split("://") for it in service["environment"]["KAFKA_LISTENERS"].split(","))
    (published,) = service["ports"]
    assert published == f"{advertised['HOST']}{listening['HOST']}"
    protocols = dict(
        it.split(":")
        for it in service["environment"]["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(",")
    )
    # The host's clients log in as those in the containers do.
    internal = next(name for name, address in advertised.items() if address == "kafka:9092")
    assert protocols["HOST"] == protocols[internal]


def marked(name: str) -> dict[str, str]:
    """Return the lines of a file between its marks, in one text for each mark's service."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"# rendered: ([\w ]+)\n(.*?)\n *# end rendered", text, re.DOTALL))


@pytest.mark.parametrize(
    ("file", "sizes"), [(BASE, runtime.EMBEDDED_SIZES), (LOAD, container.LOAD_SIZES)]
)
def test_rendered_lines_are_marked_and_no_others(
    file: str, sizes: Mapping[str, runtime.Size]
) -> None:
    found = {service: yaml.safe_load(text) for service, text in marked(file).items()}
    shared = found.pop("every service", {})
    assert set(found) == set(runtime.SERVICES)
    for service, lines in found.items():
        rendered = container.environment(service, sizes)
        assert {**shared, **lines}.items() <= rendered.items()
        assert len({**shared, **lines}) == (len(rendered) if file == BASE else len(lines))
        limit = f"mem_limit: {container.memory_limit(sizes[service])}  # rendered"
        assert limit in (ROOT / file).read_text(encoding="utf-8")


def test_long_running_services_restart_and_have_a_healthcheck(services: dict[str, Any]) -> None:
    for name, service in services.items():
        if name in ONE_SHOT:
            assert service["restart"] == "no", name
        else:
            assert service["restart"] == "unless-stopped", name
            assert {"test", "interval", "timeout", "retries"} <= set(service["healthcheck"]), name


@pytest.mark.parametrize("overrides", PROJECTS)
def test_containers_have_no_root_no_capability_and_no_host_access(
    overrides: tuple[str, ...],
) -> None:
    for name, service in project(*overrides)["services"].items():
        assert service["user"] == USERS[image(service)], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert HOST_ACCESS.isdisjoint(service), name
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}, name


def test_containers_without_own_files_are_read_only(services: dict[str, Any]) -> None:
    read_only = {name for name, service in services.items() if service.get("read_only")}
    # The other images write their configuration into their own file system at the start.
    assert read_only == {
        "compute",
        "kafka-ui",
        *(name for name in services if name.startswith(("druid-", "guard-"))),
    }
    for name in read_only:
        assert [mount.split(":")[0] for mount in services[name]["tmpfs"]] == ["/tmp"], name  # noqa: S108
        # Compose copies inline configs into the container, which fails if it is read-only.
        assert "configs" not in services[name], name


def test_zookeeper_is_healthy_when_it_answers(services: dict[str, Any]) -> None:
    _, shell, flag, script = services["zookeeper"]["healthcheck"]["test"]
    for answer, healthy in [
        (b"Zookeeper version: 3.9.4\nMode: standalone\n", True),
        (b"This ZooKeeper instance is not currently serving requests\n", False),
    ]:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            check = subprocess.Popen([shell, flag, script.replace("2181", str(port))])
            client, _ = server.accept()
            with client:
                assert client.recv(16) == b"srvr\n"
                client.sendall(answer)
            assert (check.wait(10) == 0) == healthy


def test_kafka_is_healthy_when_it_listens(services: dict[str, Any]) -> None:
    _, shell, flag, script = services["kafka"]["healthcheck"]["test"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        script = script.replace("9092", str(server.getsockname()[1]))
        assert subprocess.run([shell, flag, script], check=False).returncode == 0
    done = subprocess.run([shell, flag, script], check=False, capture_output=True)
    assert done.returncode != 0


def test_dependencies_exist_and_wait_for_health_or_completion(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            completed = needed in ONE_SHOT
            wanted = "service_completed_successfully" if completed else "service_healthy"
            assert (needed in services, how["condition"]) == (True, wanted), (name, needed)


def test_mounts_volumes_and_configs_exist_and_are_used(compose: dict[str, Any]) -> None:
    volumes, configs = set(), set()
    for service in compose["services"].values():
        for mount in service.get("volumes", []):
            source, *rest = mount.split(":")
            if source.startswith("./"):
                assert (ROOT / source).exists(), mount
                assert rest[-1] == "ro", mount
            else:
                volumes.add(source)
        configs |= {config["source"] for config in service.get("configs", [])}
    assert volumes == set(compose["volumes"])
    assert configs == set(compose["configs"])


def test_example_names_every_variable_of_the_compose_files() -> None:
    text = " ".join(text for file in FILES for text in strings(read(file)))
    rest = DEFAULTED.sub("", REQUIRED.sub("", text)).replace("$$", "")
    assert "$" not in rest
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    # The example names every secret, without a value.
    assert set(REQUIRED.findall(text)) == set(re.findall(r"^(\w+)=$", example, re.M))
    assert set(DEFAULTED.findall(text)) == set(re.findall(r"^# (\w+)=(?:\d+|es)$", example, re.M))
    assert set(re.findall(r"^(\w+)=", example, re.M)) == set(REQUIRED.findall(text))


def test_example_names_every_override() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert re.findall(r"^# COMPOSE_FILE=(.+)$", example, re.M) == [":".join(FILES)]


@pytest.mark.parametrize(("overrides", "secrets"), [((), 10), ((SECURE,), 20)])
def test_compose_files_contain_no_secret(overrides: tuple[str, ...], secrets: int) -> None:
    services = project(*overrides)["services"]
    seen = 0
    for service in services.values():
        for name, value in service.get("environment", {}).items():
            # Druid's properties come from the renderer; Druid reads its password from a variable.
            if name.startswith("druid_") or value == f"${IN_BROKER}":
                continue
            if SECRET_NAME.search(name) and not re.search(r"_(USERS|FILE)$", name):
                assert REQUIRED.search(value), name
                seen += 1
            # password="..." of a login module and "sasl.password": "..." of a connection
            for secret in re.findall(r'(?:user_|password\W+)[\w=]*"([^"]*)"', value):
                assert REQUIRED.fullmatch(secret), name
    assert seen > secrets
    for text in strings(services):
        # user:password@ of a URL
        assert not re.search(r"://[^/@\s:]+:(?!\$\{)[^/@\s]+@", text), text


@pytest.mark.parametrize("password", ["simple", "quote\" backslash\\ dollar$HOME 'ñ'"])
def test_passwords_of_the_users_reach_the_auth_manager(
    services: dict[str, Any], tmp_path: Path, password: str
) -> None:
    shell, flag, script = services["airflow-api-server"]["command"]
    stub = tmp_path / "airflow"
    stub.write_text(
        "#!/bin/sh\n"
        'echo "airflow $*, passwords: ${ADMIN_PASSWORD-unset} ${VIEWER_PASSWORD-unset}"\n'
    )
    stub.chmod(0o755)
    file = tmp_path / "passwords.json"
    done = subprocess.run(
        [shell, flag, script.replace("$$", "$")],
        env={
            "PATH": f"{tmp_path}:{Path(sys.executable).parent}:/usr/bin:/bin",
            "ADMIN_PASSWORD": password,
            "VIEWER_PASSWORD": f"{password} too",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(file),
            "PYTHONUTF8": "1",
        },
        check=True,
        capture_output=True,
        text=True,
    )
    assert json.loads(file.read_text()) == {"admin": password, "visita": f"{password} too"}
    assert file.stat().st_mode & 0o077 == 0
    assert done.stdout == "airflow api-server, passwords: unset unset\n"


def test_acls_are_granted_after_the_migration_of_the_database(tmp_path: Path) -> None:
    shell, flag, script = project(SECURE)["services"]["airflow-init"]["command"]
    (tmp_path / "airflow").write_text('#!/bin/sh\necho "airflow $*"\n')
    (tmp_path / "airflow").chmod(0o755)
    (tmp_path / "include/stream").mkdir(parents=True)
    (tmp_path / "include/stream/acls.py").write_text("def grant(*given): print(*given, sep='\\n')")
    done = subprocess.run(
        [shell, flag, script.replace("$$", "$")],
        env={
            "PATH": f"{tmp_path}:{Path(sys.executable).parent}:/usr/bin:/bin",
            "PYTHONPATH": str(tmp_path),
            "KAFKA_ADMIN_PASSWORD": "one",
        },
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    migrated, admin, principals = done.stdout.splitlines()
    assert migrated == "airflow db migrate"
    assert ast.literal_eval(admin) == {
        "bootstrap.servers": "kafka:9092",
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "admin",
        "sasl.password": "one",
    }
    assert ast.literal_eval(principals) == {acl.user: f"User:{acl.user}" for acl in load_acls()}


@pytest.mark.parametrize("component", ["scheduler", "dag-processor", "triggerer"])
def test_component_is_healthy_if_the_api_server_reports_it(
    services: dict[str, Any], component: str
) -> None:
    kind, command = services[f"airflow-{component}"]["healthcheck"]["test"]
    fetch, judge = command.split("|")
    assert kind == "CMD-SHELL"
    assert fetch.split()[-1] == "http://airflow-api-server:8080/api/v2/monitor/health"
    for status, code in [("healthy", 0), ("unhealthy", 1), (None, 1)]:
        answer = json.dumps({component.replace("-", "_"): {"status": status}})
        judged = subprocess.run(
            ["/bin/sh", "-c", judge],
            input=answer,
            env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"},
            text=True,
            check=False,
        )
        assert judged.returncode == code, status


def test_emulator_accepts_its_command_line(
    services: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert services["compute"]["entrypoint"] == ["python", "-m", "include.stack.compute"]
    # The extra option is refused only after all others were parsed, and before it listens.
    with pytest.raises(SystemExit):
        compute_main([*services["compute"]["command"], "--group", "druid"])
    assert "remove it, or remove --always-on" in capsys.readouterr().err
