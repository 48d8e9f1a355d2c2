"""Program of Terraform's `external` data source: write the VM's REST body for given settings.

Standard input is a JSON object with every field of `include.gcp.definition.VmSettings`. The output
is an object with one key, `body`, whose value is JSON text. It needs only the standard library.
"""

import dataclasses
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from include.gcp.definition import VmSettings, instance


def main() -> int:
    """Write the body; return 1, with one sentence on standard error, if the settings are wrong."""
    query = json.load(sys.stdin)
    fields = {field.name for field in dataclasses.fields(VmSettings)}
    if differing := sorted(fields ^ query.keys()):
        print(
            "settings in terraform/modules/druid/vm.tf must be the fields of VmSettings:"
            f" see {differing}",
            file=sys.stderr,
        )
        return 1
    print(json.dumps({"body": json.dumps(instance(VmSettings(**query)))}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
