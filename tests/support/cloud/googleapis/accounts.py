"""Service accounts and custom roles."""

from __future__ import annotations

import re
from typing import Final

from tests.support.cloud.googleapis import resources
from tests.support.cloud.googleapis.call import Call
from tests.support.cloud.googleapis.errors import GoogleError
from tests.support.cloud.http import Json


def _create_account(call: Call) -> Json:
    project, name = call.google.project, call.body["accountId"]
    if not re.fullmatch("[a-z]([-a-z0-9]{4,28}[a-z0-9])", name):
        message = "The account ID must be 6 to 30 lower-case letters, digits and hyphens."
        raise GoogleError(400, "badRequest", message)
    email = f"{name}@{project}.iam.gserviceaccount.com"
    number = str(100000000000000000000 + call.google.number())
    account = {
        **call.body.get("serviceAccount", {}),
        "email": email,
        "projectId": project,
        "uniqueId": number,
        "oauth2ClientId": number,
    }
    made = resources.store(call, account, email, "ServiceAccount")
    call.google.spread(f"{call.key}/{email}")
    return made


def _delete_account(call: Call) -> Json:
    """Delete an account. Its rights stay, for an account of another number than a new one's."""
    account = call.resource()
    old = f"serviceAccount:{account['email']}"
    gone = f"deleted:{old}?uid={account['uniqueId']}"
    call.google.remove(call.key)
    for policy in call.google.policies.values():
        for binding in policy["bindings"]:
            binding["members"] = [gone if name == old else name for name in binding["members"]]
    return {}


def _create_role(call: Call) -> Json:
    name = call.body["roleId"]
    if not re.fullmatch(r"[a-zA-Z0-9_.]{3,64}", name):
        raise GoogleError(400, "badRequest", f"The role_id {name} is invalid.")
    return resources.store(call, dict(call.body.get("role", {})), name, "Role")


def _delete_role(call: Call) -> Json:
    """Mark a role as deleted: for weeks its name is taken, and it can be undeleted."""
    return _mark_role(call, deleted=True)


def _undelete_role(call: Call) -> Json:
    return _mark_role(call, deleted=False)


def _mark_role(call: Call, *, deleted: bool) -> Json:
    role = call.resource()
    if role.get("deleted", False) == deleted:
        message = f"The role {role['name']} is {'already' if deleted else 'not'} deleted."
        raise GoogleError(400, "failedPrecondition", message, status="FAILED_PRECONDITION")
    role["deleted"] = deleted
    return role


def _patch_role(call: Call) -> Json:
    if call.resource().get("deleted"):
        message = f"The role {call.path} is deleted: undelete it first."
        raise GoogleError(400, "failedPrecondition", message, status="FAILED_PRECONDITION")
    return resources.patch(call)


HANDLERS: Final = {
    "iam.projects.serviceAccounts.create": _create_account,
    "iam.projects.serviceAccounts.delete": _delete_account,
    "iam.projects.roles.create": _create_role,
    "iam.projects.roles.delete": _delete_role,
    "iam.projects.roles.undelete": _undelete_role,
    "iam.projects.roles.patch": _patch_role,
}
