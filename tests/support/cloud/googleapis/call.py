"""A request that has been matched with a method of one of Google's APIs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote

from include.stack.compute.discovery import Api, Method
from include.stack.compute.errors import ApiError, not_found
from tests.support.cloud.googleapis.errors import GoogleError
from tests.support.cloud.googleapis.state import NUMBER, GoogleState
from tests.support.cloud.http import Json, Request


@dataclass(frozen=True)
class Call:
    """A checked request. ``service`` is the API's host; ``body`` is {} if there is none."""

    google: GoogleState
    api: Api
    service: str
    method: Method
    params: dict[str, str]
    request: Request

    @cached_property
    def body(self) -> Json:
        body: Json = {} if self.method.request is None else self.request.body or {}
        return body

    @cached_property
    def query(self) -> dict[str, str]:
        """The last value of each query parameter."""
        return dict(self.request.query)

    @property
    def verb(self) -> str:
        """The last part of the method's name: ``insert``."""
        return self.method.id.rpartition(".")[2]

    @cached_property
    def path(self) -> str:
        """The resource's path, or the collection's: no version, the project's id, no verb."""
        path = self.request.path.split("/", 2)[2].removeprefix("download/")
        path = path.removeprefix(self.api.service_path)
        path = re.sub(r"^v\d\w*/", "", path)
        if self.verb not in ("list", "insert", "create"):
            path = path.removesuffix(self.method.path.rpartition("}")[2])
        return self.own(unquote(path))

    @property
    def key(self) -> str:
        """The key of the resource, or of the collection, in the state."""
        return f"{self.service}/{self.path}"

    def own(self, path: str) -> str:
        """Return a path with the project's id instead of its number."""
        return re.sub(rf"(^|/)projects/{NUMBER}(?=/|$)", rf"\1projects/{self.google.project}", path)

    def resource(self, key: str = "") -> Json:
        """Return a resource, the request's by default, or raise the API's 404."""
        found = self.google.resources.get(key or self.key)
        if found is None:
            raise self.missing(key or self.key)
        return found

    def missing(self, key: str) -> ApiError:
        """Return the 404 for a resource that does not exist."""
        path = key.partition("/")[2]
        if self.service.startswith("compute."):
            return not_found(path)
        if self.service.startswith("storage."):
            what = "bucket" if path.count("/") == 1 else "object"
            return GoogleError(404, "notFound", f"The specified {what} does not exist.")
        return GoogleError(404, "notFound", f"Resource '{path}' was not found.")

    @property
    def schema(self) -> str:
        """The name of the request's schema, or else of the answer's."""
        found = self.method.request or self.method.response
        return found.ref if found else ""
