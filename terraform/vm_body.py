"""For Terraform's `external` data source: the VM's body (REST) of the settings on standard input.

The input is a JSON object of every field of `include.gcp.definition.VmSettings`; the output an
object with the one text `body`, which is JSON too. Nothing but the standard library is needed.
"""

import dataclasses
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from include.gcp.definition import VmSettings, instance


def main() -> int:
    """Write the body; 1 and one sentence on standard error if a setting is missing or unknown."""
    query = json.load(sys.stdin)
    fields = {field.name for field in dataclasses.fields(VmSettings)}
    if differing := sorted(fields ^ query.keys()):
        print(
            f"vm_settings in terraform/vm.tf must be the fields of VmSettings: see {differing}",
            file=sys.stderr,
        )
        return 1
    print(json.dumps({"body": json.dumps(instance(VmSettings(**query)))}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
