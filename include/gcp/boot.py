"""The VM's metadata for its boot: a short startup script, and an archive of files.

`startup/startup.sh` unpacks the archive and starts its `ventas-setup.service`, which runs
`startup/setup.sh`. Metadata needs no bucket and no permission, and it stays with the VM. Its limits
are 256 KB per item and 512 KB in total ("About VM metadata" in Compute Engine's documentation).

The archive does not have Druid's configuration, but the Python code that renders it, which needs
only the standard library. So the VM renders the configuration at every boot, for its current
machine type.
"""

import base64
import gzip
import io
import tarfile
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]
_STARTUP: Final = Path(__file__).with_name("startup")

#: Files that render Druid's configuration on the VM, relative to the project.
RENDERER: Final = (
    "include/__init__.py",
    "include/druid/__init__.py",
    "include/druid/container.py",
    "include/druid/log4j2.xml",
    "include/gcp/machine_types.csv",
    "include/druid/runtime.py",
    "include/gcp/sizing.py",
    "include/gcp/__init__.py",
    "include/gcp/google.py",
    "include/gcp/guest.py",
    "include/gcp/vm_druid.py",
)


def metadata() -> dict[str, str]:
    """Return the metadata items by key: ``startup-script`` and ``ventas-files``."""
    return {
        "startup-script": (_STARTUP / "startup.sh").read_text(encoding="utf-8"),
        "ventas-files": base64.b64encode(archive()).decode("ascii"),
    }


def archive() -> bytes:
    """Return a ``tar.gz`` of `startup/files` and the renderer; equal contents give equal bytes."""
    files = _STARTUP / "files"
    members = {file.relative_to(files): file for file in files.rglob("*") if file.is_file()}
    members |= {Path(name): _ROOT / name for name in RENDERER}
    packed = io.BytesIO()
    with (
        # Without a time stamp, which would change the bytes each time.
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
