"""The schemas of the Terraform providers, for the types that `terraform/` uses.

`terraform_schemas.json` is an extract of ``terraform providers schema -json``. To make it again,
for a new provider version or a new resource type, run in the project's folder::

    terraform -chdir=terraform init
    python -m tests.support.terraform_schema
"""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import hcl2
from hcl2.utils import SerializationOptions

from include.stack.settings import ROOT

MODULE: Final = ROOT / "terraform"
EXTRACT: Final = Path(__file__).with_name("terraform_schemas.json")

#: Blocks of a configuration, with the part of a provider's schema that describes them.
_KINDS: Final = {"resource": "resource_schemas", "data": "data_source_schemas"}

#: Arguments and blocks that Terraform itself understands in every resource.
_META: Final = {"count", "for_each", "provider", "depends_on", "lifecycle"}

#: Arguments of a `provider` block that Terraform itself understands.
_PROVIDER_META: Final = {"alias"}


def parse(text: str) -> dict[str, list[Any]]:
    """Return the blocks of a Terraform file, by their type; blocks have the key `__is_block__`."""
    parsed: dict[str, list[Any]] = hcl2.loads(
        text,
        serialization_options=SerializationOptions(strip_string_quotes=True, with_comments=False),
    )
    return parsed


def problems(text: str, providers: dict[str, Any]) -> Iterator[str]:
    """Yield each place of a Terraform file that the providers' schemas do not allow."""
    parsed = parse(text)
    for kind, part in _KINDS.items():
        for block in parsed.get(kind, []):
            for name, named in _entries(block):
                schema = providers[name.partition("_")[0]].get(part, {}).get(name)
                for label, body in _entries(named):
                    if schema is None:
                        yield f"{name}.{label}: the extract has no such {kind}"
                    else:
                        yield from _differences(f"{name}.{label}", body, schema["block"], _META)
    for block in parsed.get("provider", []):
        for name, body in _entries(block):
            schema = providers[name]["provider"]["block"]
            yield from _differences(f"provider {name}", body, schema, _PROVIDER_META)


def _entries(block: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in block.items() if not name.startswith("__")]


def _differences(
    place: str, body: dict[str, Any], schema: dict[str, Any], meta: set[str]
) -> Iterator[str]:
    attributes, blocks = schema.get("attributes", {}), schema.get("block_types", {})
    found = [(name, value) for name, value in _entries(body) if name not in {*meta, "dynamic"}]
    dynamic = {
        name: generated["content"]
        for block in body.get("dynamic", [])
        for name, generated in _entries(block)
    }
    for name, value in [*found, *dynamic.items()]:
        is_block = isinstance(value, list) and any(
            isinstance(each, dict) and "__is_block__" in each for each in value
        )
        if name in blocks:
            if not is_block:
                yield f"{place}.{name}: is a block, not an argument"
                continue
            most = blocks[name].get("max_items", len(value))
            if len(value) > most and name not in dynamic:
                yield f"{place}.{name}: {len(value)} blocks, and at most {most} are allowed"
            for each in value:
                yield from _differences(f"{place}.{name}", each, blocks[name]["block"], set())
        elif name not in attributes:
            yield f"{place}.{name}: there is no such argument or block"
        elif is_block:
            yield f"{place}.{name}: is an argument, not a block"
        elif not {"required", "optional"} & attributes[name].keys():
            yield f"{place}.{name}: only the provider sets it"
    given = {name for name, _ in found} | dynamic.keys()
    required = {name for name, each in attributes.items() if each.get("required")}
    required |= {name for name, each in blocks.items() if each.get("min_items")}
    for name in sorted(required - given):
        yield f"{place}.{name}: is missing"


def used(kind: str) -> set[str]:
    """Return the types of the resources or data sources in `terraform/`."""
    texts = (file.read_text(encoding="utf-8") for file in MODULE.rglob("*.tf"))
    return {name for text in texts for name in re.findall(rf'^{kind} "(\w+)"', text, re.MULTILINE)}


def _terraform(*command: str) -> Any:
    done = subprocess.run(
        ["terraform", f"-chdir={MODULE}", *command, "-json"], stdout=subprocess.PIPE, check=True
    )
    return json.loads(done.stdout)


def _extract(schemas: dict[str, Any], version: str) -> dict[str, Any]:
    found = {"version": version, "provider": _without_texts(schemas["provider"])}
    for kind, part in _KINDS.items():
        if names := used(kind) & schemas.get(part, {}).keys():
            found[part] = {name: _without_texts(schemas[part][name]) for name in sorted(names)}
    return found


def _without_texts(part: Any) -> Any:
    """Return a part of a schema without descriptions, which are most of its size."""
    if not isinstance(part, dict):
        return part
    return {
        name: _without_texts(value)
        for name, value in part.items()
        # An attribute may have one of these names too; then its value is a schema.
        if isinstance(value, dict) or name not in ("description", "description_kind", "version")
        # Each of the provider's 170 services has an argument for its address.
        if not name.endswith("_custom_endpoint")
    }


def main() -> None:
    """Write the extract."""
    versions = _terraform("version")["provider_selections"]
    schemas = _terraform("providers", "schema")["provider_schemas"]
    extract = {
        name.rpartition("/")[-1]: {"source": name, **_extract(schemas[name], version)}
        for name, version in sorted(versions.items())
    }
    text = json.dumps(extract, indent=1, sort_keys=True)
    one_line_each = re.sub(r"\{[^{}]+\}", lambda found: " ".join(found[0].split()), text)
    EXTRACT.write_text(f"{one_line_each}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
