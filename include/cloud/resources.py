"""The wanted resources of resources.yaml: find, compare, make, mend and remove one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from include.cloud.cloud import WANTED, Cloud
from include.cloud.errors import CloudError
from include.cloud.matching import difference, filled
from include.texts import TextKey

#: Seconds to the deadline of a new Confluent cluster.
_READY: Final = 1800.0


def title(kind: str) -> TextKey:
    """Return a kind's title."""
    return TextKey(f"cli.cloud.kinds.{kind}")


class Look(NamedTuple):
    """What a look at a resource found: it is missing, differs from what is wanted, or neither."""

    missing: bool = False
    difference: str = ""
    found: Any = None


class Resource(Protocol):
    """A thing that `up` makes if it is missing."""

    @property
    def kind(self) -> str:
        """Key of the title's text below `cli.cloud.kinds`."""

    @property
    def name(self) -> str:
        """Name within its kind."""

    @property
    def keep(self) -> bool:
        """Whether `down` leaves it, because it has data."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Kind and name of the resources without which it cannot be."""

    def look(self, cloud: Cloud) -> Look:
        """Find the resource and compare it with its row."""

    def make(self, cloud: Cloud) -> None:
        """Make the missing resource."""

    def mend(self, cloud: Cloud, look: Look) -> None:
        """Change what differs, or raise `CloudError` if only the person may do that."""

    def wait(self, cloud: Cloud) -> None:
        """Wait until the resource can be used."""

    def remove(self, cloud: Cloud) -> bool:
        """Remove the resource; return whether it existed."""


class Simple:
    """A resource that never differs, is ready at once, and goes with the resource it is in."""

    def mend(self, cloud: Cloud, look: Look) -> None:
        """Do nothing."""

    def wait(self, cloud: Cloud) -> None:
        """Do nothing."""

    def remove(self, cloud: Cloud) -> bool:  # noqa: ARG002 - subclasses use it
        """Do nothing."""
        return False


@dataclass(frozen=True)
class Plain:
    """A resource that a row of resources.yaml describes completely."""

    row: Mapping[str, Any]
    values: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """Kind of the resource."""
        return str(self.row["kind"])

    @property
    def name(self) -> str:
        """Name of the resource."""
        return str(filled(self.row["name"], self.values))

    @property
    def keep(self) -> bool:
        """Whether the resource holds data."""
        return bool(self.row.get("keep"))

    @property
    def needs(self) -> tuple[str, ...]:
        """Its service, and what the row names."""
        service = str(self.row.get("read") or self.row["list"]).partition("/")[0]
        return needs_of(service, *self.row.get("needs", ()))

    def look(self, cloud: Cloud) -> Look:
        """Find the resource and compare it; remember its id for others."""
        try:
            found = self._found(cloud)
        except KeyError:
            # The id of the resource that contains this one is not known, because it is missing too.
            return Look(missing=True)
        if found is None or self._is_absent(found):
            return Look(missing=True)
        if into := self.row.get("into"):
            cloud.keep(filled(into, self.values), found)
        wanted = self.row.get("want", self.row.get("body"))
        return Look(difference=difference(self._filled(wanted, cloud), found), found=found)

    def make(self, cloud: Cloud) -> None:
        """Make the resource, and wait until it can be used."""
        if "undelete" in self.row and self._found(cloud):
            cloud.send(f"POST {self._filled(self.row['undelete'], cloud)}", {})
            return
        path, body = (self._filled(self.row[part], cloud) for part in ("make", "body"))
        made = cloud.send(f"POST {path}", body)
        if into := self.row.get("into"):
            cloud.keep(filled(into, self.values), made)

    def mend(self, cloud: Cloud, look: Look) -> None:
        """Send the request `fix`.

        Raises:
            CloudError: the row has none.
        """
        if "fix" not in self.row:
            raise CloudError(
                "differs", kind=title(self.kind), name=self.name, difference=look.difference
            )
        body = self._filled(self.row.get("patch", self.row["body"]), cloud)
        cloud.send(self._filled(self.row["fix"], cloud), body)

    def wait(self, cloud: Cloud) -> None:
        """Wait until the resource is `ready`, and tell about it.

        Raises:
            CloudError: it failed, or the deadline passed.
        """
        ready, told = self.row.get("ready"), False
        if not ready:
            return
        into = filled(self.row["into"], self.values)
        path = filled(ready["path"], {**cloud.values, "found": cloud.values[into]})
        for _ in cloud.clock.polling(_READY, interval=10):
            found = cloud.confluent.call("GET", path.removeprefix("confluent/"))
            cloud.keep(into, found)
            if not difference(ready["want"], found):
                return
            if not difference(ready["failed"], found):
                raise CloudError("failed_resource", kind=title(self.kind), name=self.name)
            if not told:
                cloud.tell("waiting", kind=self.kind, name=self.name)
                told = True
        raise CloudError(
            "slow_resource", kind=title(self.kind), name=self.name, seconds=int(_READY)
        )

    def remove(self, cloud: Cloud) -> bool:
        """Delete the resource, unless the row says that it stays."""
        remove = self.row.get("remove", self.row.get("read"))
        look = self.look(cloud)
        if not remove or look.missing:
            return False
        values = {**cloud.values, **self.values, "found": look.found.get("id")}
        cloud.send(f"DELETE {filled(remove, values)}")
        return True

    def _found(self, cloud: Cloud) -> Any:
        if "read" in self.row:
            return cloud.google.find(self._filled(self.row["read"], cloud))
        match = self._filled(self.row["match"], cloud)
        path = self._filled(self.row["list"], cloud).removeprefix("confluent/")
        found = [it for it in cloud.confluent.items(path) if not difference(match, it)]
        if len(found) > 1:
            ids = ", ".join(str(it["id"]) for it in found)
            raise CloudError("ambiguous", kind=title(self.kind), name=self.name, ids=ids)
        return found[0] if found else None

    def _is_absent(self, found: Any) -> bool:
        return "absent" in self.row and not difference(self.row["absent"], found)

    def _filled(self, part: Any, cloud: Cloud) -> Any:
        return filled(part, {**cloud.values, **self.values})


@dataclass(frozen=True)
class Binding(Simple):
    """A role of a member on a resource, perhaps with a condition."""

    row: Mapping[str, Any]
    values: Mapping[str, Any]
    keep: bool = False
    kind: str = "binding"

    @property
    def name(self) -> str:
        """Who gets which role, and on what."""
        member = self._part("member").partition(":")[2]
        return f"{member} → {self._part('role').rpartition('/')[2]} ({self._part('resource')})"

    @property
    def needs(self) -> tuple[str, ...]:
        """The service, the resource with the policy, and the account of this project."""
        service = str(self._policy["read"]).partition(" ")[2].partition("/")[0]
        on = filled(self._policy.get("of", ""), self._all)
        account = self._part("member").partition(":")[2].partition("@")[0]
        return needs_of(service, on, f"account {account}")

    def look(self, cloud: Cloud) -> Look:
        """Find the binding in the policy of its resource."""
        method, _, path = filled(self._policy["read"], self._all).partition(" ")
        policy = cloud.google.find(path, method, self._policy.get("options")) or {}
        return Look(missing=not any(self._is(it) for it in policy.get("bindings", [])))

    def make(self, cloud: Cloud) -> None:
        """Add the binding; an etag refuses a policy that changed meanwhile."""
        policy = self._policy_to_change(cloud)
        added = {"role": self._part("role"), "members": [self._part("member")]}
        if "condition" in self.row:
            added["condition"] = self._part("condition")
        self._write(cloud, policy, [*policy.get("bindings", []), added])

    def remove(self, cloud: Cloud) -> bool:
        """Remove the member from the binding."""
        if self.look(cloud).missing:
            return False
        policy = self._policy_to_change(cloud)
        kept = []
        for binding in policy["bindings"]:
            if self._is(binding):
                members = [it for it in binding["members"] if it != self._part("member")]
                binding = {**binding, "members": members}
            if binding["members"]:
                kept.append(binding)
        self._write(cloud, policy, kept)
        return True

    def _is(self, binding: Mapping[str, Any]) -> bool:
        wanted = self._part("condition") if "condition" in self.row else None
        condition = binding.get("condition")
        same = condition is None if wanted is None else not difference(wanted, condition)
        return (
            same
            and binding["role"] == self._part("role")
            and self._part("member") in binding.get("members", [])
        )

    def _policy_to_change(self, cloud: Cloud) -> Mapping[str, Any]:
        """Return the policy; never an empty one in place of one that cannot be read now."""
        request = filled(self._policy["read"], self._all)
        policy: Mapping[str, Any] = cloud.send(request, self._policy.get("options"))
        return policy

    def _write(self, cloud: Cloud, policy: Mapping[str, Any], bindings: list[Any]) -> None:
        changed = {**policy, "version": 3, "bindings": bindings}
        body = changed if self._policy.get("bare") else {"policy": changed}
        cloud.send(filled(self._policy["write"], self._all), body)

    @property
    def _policy(self) -> Mapping[str, Any]:
        policy: Mapping[str, Any] = WANTED["policies"][self._part("resource").partition(" ")[0]]
        return policy

    @property
    def _all(self) -> Mapping[str, Any]:
        return {**self.values, "secret": self._part("resource").partition(" ")[2]}

    def _part(self, part: str) -> Any:
        return filled(self.row[part], self.values)


def needs_of(service: str, *others: str) -> tuple[str, ...]:
    """Return the needs of a resource of a service: login, project and API, and others."""
    if service == "confluent":
        return ("confluent_login", *others)
    return ("login", "project", f"service {service}.googleapis.com", *others)


def plain(section: str, cloud: Cloud, *, always: bool = False) -> list[Plain]:
    """Return the resources of a section of resources.yaml, in its order."""
    return [Plain(row, values) for row, values in _rows(section, cloud, always=always)]


def bindings(section: str, cloud: Cloud) -> list[Binding]:
    """Return the bindings of a section of resources.yaml."""
    return [Binding(row, {**cloud.values, **values}) for row, values in _rows(section, cloud)]


def _rows(
    section: str, cloud: Cloud, *, always: bool = False
) -> Iterator[tuple[Mapping[str, Any], dict[str, Any]]]:
    """Yield each row, with the values of its name; a row with `each` as often as it has items."""
    names = {"bucket": cloud.values["bucket"], "instance": cloud.values["instance"]}
    for row in WANTED[section]:
        if "when" in row and not cloud.values[row["when"]] and not always:
            continue
        each = row.get("each", [None])
        for item in cloud.values[each] if isinstance(each, str) else each:
            yield row, {**names, "each": item}
