"""The VM's files from its metadata, with a fake Google; `tests/vm` runs the real script."""

from __future__ import annotations

import base64
import json
import stat
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import pytest

from include.gcp import boot, guest
from include.gcp.google import Google, SetupError
from include.gcp.vm_druid import Choices
from include.stack.certificates import Authority

ATTRIBUTES = {
    "secret-kafka-jaas": "jaas",
    "secret-druid-admin": "admin",
    "secret-druid-internal": "internal",
    "secret-metadata": "metadata",
    "metadata-uri": "",
    "metadata-ca": "",
    "metadata-user": "druid",
    "bucket": "",
    "rate": "1000",
    "druid-properties": "",
}


class FakeGoogle(BaseHTTPRequestHandler):
    """A fake of Google's services: answers each path with the test's answer, or with 404."""

    answers: dict[str, str | int | list[int]]

    def do_GET(self) -> None:
        answer = self.answers.get(self.path.partition("?")[0], 404)
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        status, body = (answer, b"") if isinstance(answer, int) else (200, answer.encode())
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def answers() -> dict[str, str | int | list[int]]:
    metadata = "/computeMetadata/v1"
    secrets = "/v1/projects/tienda/secrets"
    token = f"{metadata}/instance/service-accounts/default/token"
    machine_type = f"{metadata}/instance/machine-type"
    return {
        f"{metadata}/project/project-id": "tienda",
        machine_type: "projects/1/machineTypes/n2-standard-4",
        token: json.dumps({"access_token": "t"}),
        **{f"{metadata}/instance/attributes/ventas-{k}": v for k, v in ATTRIBUTES.items()},
        **{
            f"{secrets}/{name}/versions/latest:access": secret(f"the-{name}")
            for name in ("jaas", "admin", "internal", "metadata")
        },
    }


def secret(value: str) -> str:
    return json.dumps({"payload": {"data": base64.b64encode(value.encode()).decode()}})


@pytest.fixture
def environment(
    answers: dict[str, str | int | list[int]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, str]]:
    monkeypatch.setattr("include.gcp.google.time.sleep", lambda _: None)
    handler = type("Handler", (FakeGoogle,), {"answers": answers})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    yield {f"{name}_URL": address for name in ("METADATA", "SECRETS", "STORAGE")}
    server.shutdown()


@pytest.fixture
def google(environment: dict[str, str]) -> Google:
    return Google(environment)


def test_secrets_are_stored_under_the_variables_that_druid_reads(google: Google) -> None:
    assert guest.secrets(google) == {
        "KAFKA_JAAS_CONFIG": "the-jaas",
        "DRUID_ADMIN_PASSWORD": "the-admin",
        "DRUID_INTERNAL_PASSWORD": "the-internal",
    }


def test_password_of_the_metadata_store_is_fetched_only_with_its_address(
    google: Google, answers: dict[str, str | int | list[int]]
) -> None:
    answers["/computeMetadata/v1/instance/attributes/ventas-metadata-uri"] = "jdbc:postgresql://x/d"
    assert guest.secrets(google)["METADATA_PASSWORD"] == "the-metadata"


def test_kafka_without_a_password_gets_an_empty_variable(
    google: Google, answers: dict[str, str | int | list[int]]
) -> None:
    answers["/computeMetadata/v1/instance/attributes/ventas-secret-kafka-jaas"] = ""
    assert guest.secrets(google)["KAFKA_JAAS_CONFIG"] == ""


def test_missing_secret_of_druid_is_refused(
    google: Google, answers: dict[str, str | int | list[int]]
) -> None:
    answers["/computeMetadata/v1/instance/attributes/ventas-secret-druid-admin"] = ""
    with pytest.raises(
        SetupError, match="`secret_druid_admin` in the connection's extra must name a secret"
    ):
        guest.secrets(google)


def test_temporary_error_is_retried_and_a_refusal_is_raised(
    google: Google, answers: dict[str, str | int | list[int]]
) -> None:
    answers["/v1/projects/tienda/secrets/x/versions/latest:access"] = [503, 429, 403]
    with pytest.raises(SetupError, match="may not read secret 'x' of project tienda"):
        google.secret("x", "secret_x")


def test_unreachable_google_gives_one_sentence(environment: dict[str, str]) -> None:
    google = Google({**environment, "METADATA_URL": "http://127.0.0.1:9"})
    with pytest.raises(SetupError, match=r"127.0.0.1:9 does not answer \(.*refused\)"):
        google.metadata("project/project-id")


def test_missing_data_disk_gives_one_sentence(
    google: Google, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(guest, "DISK", tmp_path / "google-druid-data")
    with pytest.raises(SetupError, match="attach it to this VM under the device name druid-data"):
        guest.choices(google)


def test_settings_of_druid_are_read_from_the_metadata_and_a_wrong_line_is_refused(
    google: Google, answers: dict[str, str | int | list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guest, "DISK", Path("/dev/null"))
    attribute = "/computeMetadata/v1/instance/attributes/ventas-druid-properties"
    answers[attribute] = "broker/druid.server.http.numThreads=60"
    assert guest.choices(google).properties["broker"] == {"druid.server.http.numThreads": "60"}
    answers[attribute] = "druid.server.http.numThreads=60"
    with pytest.raises(SetupError, match="correct `druid_properties` in the connection's extra: '"):
        guest.choices(google)


@pytest.fixture
def authority(tmp_path: Path) -> str:
    """PEM of a certificate authority."""
    made = Authority(tmp_path)
    made.server("metadata")
    return made.certificate.read_text(encoding="utf-8")


def choose(
    google: Google, answers: dict[str, str | int | list[int]], uri: str, authority: str
) -> Choices:
    attribute = "/computeMetadata/v1/instance/attributes/ventas-metadata"
    answers[f"{attribute}-uri"], answers[f"{attribute}-ca"] = uri, authority
    return guest.choices(google)


def test_authority_of_the_metadata_store_is_taken_from_the_metadata(
    google: Google,
    answers: dict[str, str | int | list[int]],
    monkeypatch: pytest.MonkeyPatch,
    authority: str,
) -> None:
    monkeypatch.setattr(guest, "DISK", Path("/dev/null"))
    chosen = choose(google, answers, "jdbc:postgresql://10.0.0.3:5432/druid", authority)
    assert chosen.metadata_ca == authority


@pytest.mark.parametrize("given", ["", "nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_metadata_store_without_a_valid_authority_is_refused(
    google: Google,
    answers: dict[str, str | int | list[int]],
    monkeypatch: pytest.MonkeyPatch,
    given: str,
) -> None:
    monkeypatch.setattr(guest, "DISK", Path("/dev/null"))
    with pytest.raises(
        SetupError, match="`metadata_ca` in the connection's extra must be a PEM certificate"
    ):
        choose(google, answers, "jdbc:postgresql://10.0.0.3:5432/druid", given)


def test_address_with_tls_parameters_is_refused(
    google: Google,
    answers: dict[str, str | int | list[int]],
    monkeypatch: pytest.MonkeyPatch,
    authority: str,
) -> None:
    monkeypatch.setattr(guest, "DISK", Path("/dev/null"))
    with pytest.raises(
        SetupError,
        match="`metadata_uri` in the connection's extra must end with the database's name",
    ):
        choose(google, answers, "jdbc:postgresql://10.0.0.3/druid?sslmode=require", authority)


def test_segment_cache_is_a_share_of_the_disk(
    google: Google, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    with disk.open("wb") as file:
        file.truncate(100 * 2**30)
    monkeypatch.setattr(guest, "DISK", disk)
    assert guest.choices(google).segment_cache == 40


def test_environment_file_escapes_special_characters_of_systemd() -> None:
    assert guest.environment_file({"B": 'a "b" $c `d` \\e', "A": "x"}) == (
        'A="x"\nB="a \\"b\\" \\$c \\`d\\` \\\\e"\n'
    )


def test_packed_renderer_runs_with_only_the_standard_library(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    with tarfile.open(fileobj=BytesIO(boot.archive())) as packed:
        # Debian 12's Python has no `filter` yet.
        packed.extractall(tmp_path / "files")  # noqa: S202
    script = (
        f"import sys, pathlib; sys.path.insert(0, {str(tmp_path / 'files')!r}); "
        "from include.gcp import guest; guest.DISK = pathlib.Path('/dev/null'); "
        "raise SystemExit(guest.main())"
    )
    out = tmp_path / "out"
    out.mkdir()
    done = subprocess.run(
        # With -I and -S, neither this project nor installed packages can be imported.
        [sys.executable, "-I", "-S", "-c", script, out],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert stat.S_IMODE((out / "secrets.env").stat().st_mode) == 0o600
    assert (out / "druid/router/runtime.properties").exists()
    assert "the-" not in "".join(f.read_text() for f in out.glob("druid/*/*"))
