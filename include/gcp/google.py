"""The VM's requests to Google: metadata, secrets and the bucket, with the standard library only.

Every answer that the VM cannot use becomes a `SetupError`: one sentence for the serial console.
"""

import base64
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any, Final

#: Permissions that Druid needs on the bucket, to write, read, list and delete segments and logs.
BUCKET_PERMISSIONS: Final = (
    "storage.objects.create",
    "storage.objects.delete",
    "storage.objects.get",
    "storage.objects.list",
)

_SECONDS: Final = 10.0
_TRIES: Final = 5


class SetupError(Exception):
    """The VM cannot be set up; the message says why and what to do, in one sentence."""


class Google:
    """A client of Google's services, for use on a VM.

    The environment variables ``METADATA_URL``, ``SECRETS_URL`` and ``STORAGE_URL`` replace Google's
    own addresses.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._metadata = environment.get("METADATA_URL", "http://metadata.google.internal")
        self._secrets = environment.get("SECRETS_URL", "https://secretmanager.googleapis.com")
        self._storage = environment.get("STORAGE_URL", "https://storage.googleapis.com")
        self._token = ""

    def metadata(self, path: str) -> str:
        """Return a metadata value below ``computeMetadata/v1/``; "" if it does not exist.

        Raises:
            SetupError: the metadata server does not answer, or answers an error.
        """
        url = f"{self._metadata}/computeMetadata/v1/{path}"
        status, body = _get(url, {"Metadata-Flavor": "Google"})
        if status not in (200, 404):
            raise SetupError(f"the metadata server answered {status} for {path}: restart the VM")
        return body.decode() if status == 200 else ""

    def secret(self, name: str, setting: str) -> str:
        """Return the latest version of a secret.

        Args:
            name: the secret's name in Secret Manager.
            setting: key of the connection's extra that has the name, for the message of an error.

        Raises:
            SetupError: the secret is missing, the VM may not read it, or it is not a single line of
                text.
        """
        project = self.metadata("project/project-id")
        url = f"{self._secrets}/v1/projects/{project}/secrets/{name}/versions/latest:access"
        status, body = _get(url, self._authorization())
        if status == 404:
            raise SetupError(
                f"secret '{name}' (`{setting}` in the connection's extra) has no version in project"
                f" {project}: create it with `gcloud secrets create {name} --data-file=-`"
            )
        if status == 403:
            raise SetupError(
                f"the VM's service account may not read secret '{name}' of project {project}:"
                " grant it roles/secretmanager.secretAccessor on it"
            )
        if status != 200:
            raise SetupError(
                f"Secret Manager answered {status} for secret '{name}': restart the VM"
            )
        value = base64.b64decode(json.loads(body)["payload"]["data"]).decode().rstrip("\r\n")
        if not value or not value.isprintable():
            raise SetupError(f"secret '{name}' must be one line of text: add a new version of it")
        return value

    def check_bucket(self, name: str) -> None:
        """Make sure that Druid may keep its segments in a bucket.

        Raises:
            SetupError: the bucket does not exist, or a permission on it is missing.
        """
        query = urllib.parse.urlencode([("permissions", name) for name in BUCKET_PERMISSIONS])
        url = f"{self._storage}/storage/v1/b/{name}/iam/testPermissions?{query}"
        status, body = _get(url, self._authorization())
        if status == 404:
            raise SetupError(
                f"bucket '{name}' does not exist: create it, or correct `bucket` in the"
                " connection's extra"
            )
        granted = json.loads(body).get("permissions", []) if status == 200 else []
        if missing := [right for right in BUCKET_PERMISSIONS if right not in granted]:
            raise SetupError(
                f"the VM's service account lacks {', '.join(missing)} on bucket '{name}':"
                " grant it roles/storage.objectAdmin on it"
            )

    def _authorization(self) -> dict[str, str]:
        if not self._token:
            answer = self.metadata("instance/service-accounts/default/token")
            if not answer:
                raise SetupError("this VM has no service account: create the VM again with one")
            self._token = json.loads(answer)["access_token"]
        return {"Authorization": f"Bearer {self._token}"}


def _get(url: str, headers: dict[str, str]) -> tuple[int, bytes]:
    """Return status and body; retry a few times without an answer and after 429 or 5xx."""
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the addresses are ours
    host: Any = urllib.parse.urlsplit(url).netloc
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(2 ** (attempt - 1))
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            if error.code != 429 and error.code < 500:
                return error.code, error.read()
            problem = str(error.code)
        except OSError as error:
            problem = str(getattr(error, "reason", error))
    raise SetupError(
        f"{host} does not answer ({problem}): turn on Private Google Access of the VM's subnetwork"
    )
