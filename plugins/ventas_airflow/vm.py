"""Which VM a DAG means: the one that the Google Cloud connection names."""

from typing import Final

ZONE: Final = "{{ conn.google_cloud_default.extra_dejson['zone'] }}"

#: Arguments of the Compute operators, rendered where a task runs: no look-up at parse.
VM: Final = {
    "project_id": "{{ conn.google_cloud_default.extra_dejson['project'] }}",
    "zone": ZONE,
    "resource_id": "{{ conn.google_cloud_default.extra_dejson['instance'] }}",
}
