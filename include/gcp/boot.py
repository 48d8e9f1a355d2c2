"""What the VM gets to run at its boot, as metadata: a short script, and the files that it unpacks.

`startup/startup.sh` unpacks the second item and starts `ventas-setup.service` of it, which runs
`startup/setup.sh`. Metadata needs no bucket and no permission, and the VM keeps it: 256 KB an item
and 512 KB in all may be had ("About VM metadata" in Compute Engine's documentation).

Druid's configuration is not among the files but the Python that renders it, which needs nothing
but the standard library: so the VM renders it at every boot for the machine type that it then has.
"""

import base64
import gzip
import io
import tarfile
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]
_STARTUP: Final = Path(__file__).with_name("startup")

#: What renders Druid's configuration on the VM, relative to the project.
RENDERER: Final = (
    "include/__init__.py",
    "include/druid/__init__.py",
    "include/druid/container.py",
    "include/druid/log4j2.xml",
    "include/druid/machine_types.csv",
    "include/druid/runtime.py",
    "include/druid/sizing.py",
    "include/gcp/__init__.py",
    "include/gcp/google.py",
    "include/gcp/guest.py",
    "include/gcp/vm_druid.py",
)


def metadata() -> dict[str, str]:
    """Metadata items by key: ``startup-script`` and ``ventas-files``."""
    return {
        "startup-script": (_STARTUP / "startup.sh").read_text(encoding="utf-8"),
        "ventas-files": base64.b64encode(archive()).decode("ascii"),
    }


def archive() -> bytes:
    """A ``tar.gz`` of `startup/files` and the renderer; the same bytes for the same contents."""
    files = _STARTUP / "files"
    members = {file.relative_to(files): file for file in files.rglob("*") if file.is_file()}
    members |= {Path(name): _ROOT / name for name in RENDERER}
    packed = io.BytesIO()
    with (
        # Without a time of its own, or it would differ each time.
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as tar,
    ):
        for name, file in sorted(members.items()):
            content = file.read_bytes()
            member = tarfile.TarInfo(name.as_posix())
            member.size = len(content)
            member.mode = 0o755 if file.suffix == ".sh" else 0o644
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()
