"""Cloud Storage: contents of objects, whole or in parts."""

from __future__ import annotations

import base64
import json
import re
from email import message_from_bytes
from typing import Any, Final

import google_crc32c

from tests.support.cloud.googleapis import resources
from tests.support.cloud.googleapis.call import Call
from tests.support.cloud.googleapis.errors import GoogleError
from tests.support.cloud.http import Answer, Json


def _insert_bucket(call: Call) -> Json:
    name = call.body["name"]
    if not re.fullmatch(r"[a-z0-9][-a-z0-9_.]{1,61}[a-z0-9]", name):
        raise GoogleError(400, "invalid", f"Invalid bucket name: '{name}'")
    link = f"https://www.googleapis.com/storage/v1/b/{name}"
    made = {"id": name, "selfLink": link, "location": "US", **call.body}
    made["location"] = made["location"].upper()
    return resources.store(call, made, name)


def _delete_bucket(call: Call) -> None:
    call.resource()
    if any(key.startswith(f"{call.key}/") for key in call.google.objects):
        message = "The bucket you tried to delete is not empty."
        raise GoogleError(409, "conflict", message, status="FAILED_PRECONDITION")
    resources.delete(call)


def upload(call: Call) -> Answer:
    """Store an object: in one request, or in several (``uploadType=resumable``)."""
    bucket = f"{call.service}/b/{call.params['bucket']}"
    call.resource(bucket)
    kind, data = call.query.get("uploadType", ""), call.request.data
    headers = {name.lower(): value for name, value in call.request.headers.items()}
    described: Json = {"contentType": headers.get("content-type", "application/octet-stream")}
    if kind == "resumable":
        call.api.check_request(call.method.id, json.loads(data or b"{}"))
        number = str(call.google.number())
        call.google.resources[f"uploads/{number}"] = {
            **json.loads(data or b"{}"),
            **({"name": call.query["name"]} if "name" in call.query else {}),
            "bucket": call.params["bucket"],
        }
        call.google.payloads[f"uploads/{number}"] = b""
        host = f"{call.google.endpoint}/{call.service}/upload/storage/v1/b/"
        where = f"{host}{call.params['bucket']}/o?uploadType=resumable&upload_id={number}"
        return Answer(headers={"Location": where, "X-GUploader-UploadID": number})
    if kind == "multipart":
        prefix = f"Content-Type: {headers['content-type']}\r\n\r\n".encode()
        parts: Any = message_from_bytes(prefix + data).get_payload()
        body = json.loads(parts[0].get_payload(decode=True))
        call.api.check_request(call.method.id, body)
        described = {"contentType": parts[1].get_content_type(), **body}
        data = parts[1].get_payload(decode=True)
    name = call.query.get("name") or described.get("name")
    if not name:
        raise GoogleError(400, "required", "Required")
    return Answer(body=_stored(call, described, name, data))


def go_on(call: Call) -> Answer:
    """Take a part of a resumable upload, or tell how much of it is there."""
    key = f"uploads/{call.query['upload_id']}"
    described = call.resource(key)
    headers = {name.lower(): value for name, value in call.request.headers.items()}
    match = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", headers.get("content-range", ""))
    held, data = call.google.payloads[key], call.request.data
    whole: int | None = len(data)
    if match:
        start = int(match[1]) if match[1] else len(held)
        data = held[:start] + data
        whole = int(match[2]) if match[2] != "*" else None
    call.google.payloads[key] = data
    if len(data) != whole:
        return Answer(308, headers={"Range": f"bytes=0-{len(data) - 1}"} if data else {})
    body = {name: value for name, value in described.items() if name != "bucket"}
    call.google.remove(key)
    return Answer(body=_stored(call, body, described["name"], data))


def _stored(call: Call, described: Json, name: str, data: bytes) -> Json:
    bucket = call.params["bucket"]
    key = f"{call.service}/b/{bucket}/o/{name}"
    held = call.google.resources.get(key)
    wanted = call.query.get("ifGenerationMatch")
    if wanted is not None and wanted != (held or {"generation": "0"})["generation"]:
        message = "At least one of the pre-conditions you specified did not hold."
        raise GoogleError(412, "conditionNotMet", message)
    generation = str(call.google.number())
    crc = base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()
    made = {
        "id": f"{bucket}/{name}/{generation}",
        **described,
        "name": name,
        "bucket": bucket,
        "generation": generation,
        "size": str(len(data)),
        "crc32c": crc,
    }
    resources.fill(call, made, "Object", key)
    call.google.resources[key] = made
    call.google.objects[key] = data
    call.api.check_answer(call.method.id, made)
    return made


def _get_object(call: Call) -> Json | Answer:
    """Return an object's resource, or with ``alt=media`` its content, or a part of it."""
    found = call.resource()
    if call.query.get("alt") != "media":
        return found
    data = call.google.objects[call.key]
    headers = {"X-Goog-Hash": f"crc32c={found['crc32c']}"}
    asked = {name.lower(): value for name, value in call.request.headers.items()}.get("range", "")
    if match := re.fullmatch(r"bytes=(\d+)-(\d*)", asked):
        start, end = int(match[1]), min(int(match[2] or len(data)), len(data) - 1)
        headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
        return Answer(206, data[start : end + 1], headers)
    return Answer(200, data, headers)


def _list_objects(call: Call) -> Json:
    call.resource(call.key.removesuffix("/o"))
    start = f"{call.key}/{call.query.get('prefix', '')}"
    held = call.google.resources
    return resources.page(
        call, [held[key] for key in sorted(call.google.objects) if key.startswith(start)]
    )


HANDLERS: Final = {
    "storage.buckets.insert": _insert_bucket,
    "storage.buckets.delete": _delete_bucket,
    "storage.objects.get": _get_object,
    "storage.objects.list": _list_objects,
}
