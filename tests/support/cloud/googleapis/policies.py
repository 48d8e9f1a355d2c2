"""IAM policies of any resource: read, replaced if nobody else changed them, and asked for rights.

As in Google's documentation of `Policy`: a condition needs version 3, in the question too.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from tests.support.cloud.googleapis.call import Call
from tests.support.cloud.googleapis.errors import GoogleError, stale_policy
from tests.support.cloud.http import Json


def get(call: Call) -> Json:
    """Return the policy; without version 3 in the question, conditions are left out of it."""
    _exists(call)
    policy = call.google.policies.setdefault(call.key, {"etag": call.google.etag(), "bindings": []})
    version = (
        call.body.get("options", {}).get("requestedPolicyVersion")
        or call.query.get("options.requestedPolicyVersion")
        or call.query.get("optionsRequestedPolicyVersion")
        or 1
    )
    return _shown(call, policy, whole=int(version) == 3)


def replace(call: Call) -> Json:
    """Replace the policy unless it has changed since it was read."""
    _exists(call)
    # Cloud Storage's request is the policy itself.
    policy = call.body if call.schema == "Policy" else call.body.get("policy", {})
    held = call.google.policies.get(call.key)
    if held and policy.get("etag", held["etag"]) != held["etag"]:
        raise stale_policy(call.service)
    bindings = [b for b in policy.get("bindings", []) if b.get("members")]
    if any("condition" in b for b in bindings) and policy.get("version") != 3:
        message = "Policies with conditions must have version 3: set version to 3."
        raise GoogleError(400, "badRequest", message)
    for binding in bindings:
        _check(call, binding)
    call.google.policies[call.key] = {"etag": call.google.etag(), "bindings": bindings}
    return _shown(call, call.google.policies[call.key], whole=True)


def granted(call: Call) -> Json:
    """Return the permissions of the question that the caller has: all but the denied ones."""
    _exists(call)
    asked = call.body.get("permissions") or [v for n, v in call.request.query if n == "permissions"]
    held = [name for name in asked if call.google.may(name)]
    answer: Json = {"permissions": held} if held else {}
    if call.service.startswith("storage."):
        answer["kind"] = "storage#testIamPermissionsResponse"
    return answer


def _exists(call: Call) -> None:
    if re.fullmatch("projects/[^/]+", call.path):
        return
    # The resources of Identity-Aware Proxy's tunnels are instances of Compute Engine.
    instance = call.key.replace("iap.", "compute.", 1).replace("/iap_tunnel/", "/")
    call.resource(instance if call.service.startswith("iap.") else call.key)


def _shown(call: Call, policy: Json, *, whole: bool) -> Json:
    bindings: list[Json] = [dict(b) for b in policy["bindings"]]
    if not whole:
        for binding in (b for b in bindings if "condition" in b):
            mark = hashlib.sha256(str(binding.pop("condition")).encode()).hexdigest()[:20]
            binding["role"] += f"_withcond_{mark}"
    answer: Json = {"etag": policy["etag"]}
    if bindings:
        answer["bindings"] = bindings
    answer["version"] = 3 if any("condition" in b for b in bindings) else 1
    if call.service.startswith("storage."):
        answer |= {"kind": "storage#policy", "resourceId": f"projects/_/{_bucket(call)}"}
    return answer


def _bucket(call: Call) -> str:
    return call.path.replace("b/", "buckets/", 1)


def _check(call: Call, binding: dict[str, Any]) -> None:
    """Refuse a role or a service account that does not exist."""
    project, resources = call.google.project, call.google.resources
    role = binding["role"]
    own = resources.get(f"iam.googleapis.com/{call.own(role)}")
    if role.startswith("projects/") and (own is None or own.get("deleted")):
        message = f"Role ({role}) does not exist in the resource's hierarchy."
        raise GoogleError(400, "badRequest", message)
    if not re.fullmatch(r"(roles/[\w.]+|(projects|organizations)/[^/]+/roles/[\w.]+)", role):
        raise GoogleError(400, "badRequest", f"Role {role} is not supported for this resource.")
    for member in binding["members"]:
        kind, _, name = member.partition(":")
        key = f"iam.googleapis.com/projects/{project}/serviceAccounts/{name}"
        local = name.endswith(f"@{project}.iam.gserviceaccount.com")
        if kind == "serviceAccount" and local and not (key in resources and call.google.knows(key)):
            raise GoogleError(400, "badRequest", f"Service account {name} does not exist.")
        if member not in ("allUsers", "allAuthenticatedUsers") and not name:
            raise GoogleError(400, "badRequest", f"Invalid member: {member}.")
