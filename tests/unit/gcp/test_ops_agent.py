"""The option of the VM's setup for Google's Ops Agent; apt, systemd and curl are fakes."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

FILES = Path(__file__).parents[3] / "include/gcp/startup/files"

#: Answers with METADATA/<place>, if the test made it.
CURL = """#!/bin/sh
for it; do url=$it; done
cat "$METADATA/$(echo "$url" | sed 's#.*/v1/##; s#/.*##')" 2>/dev/null || exit 22
"""
APT = """#!/bin/sh
echo "apt-get $*" >>"$CALLS"
[ "$APT_FAILS" != yes ] || { echo 'E: no route to the archive' >&2; exit 100; }
case $* in *install*) mkdir -p "$ROOT/opt/google-cloud-ops-agent" ;; esac
"""


class Vm:
    """A folder in place of the VM's root, in which the script's last step runs."""

    def __init__(self, folder: Path) -> None:
        self.root = folder
        script = (FILES / "setup.sh").read_text(encoding="utf-8")
        functions = script.partition("\ninstall_packages\n")[0]
        assert functions != script
        moved = re.sub(r"""(?<=[=\s"])/(?=opt/|etc/)""", f"{folder}/", functions)
        (folder / "setup.sh").write_text(f"{moved}\napply_ops_agent\n")
        (folder / "opt/ventas").mkdir(parents=True)
        for name in ("ops-agent.list", "ops-agent.yaml"):
            (folder / "opt/ventas" / name).write_text((FILES / name).read_text(encoding="utf-8"))
        (folder / "metadata").mkdir()
        (folder / "run").mkdir()
        (folder / "bin").mkdir()
        fakes = {
            "curl": CURL,
            "apt-get": APT,
            "systemctl": '#!/bin/sh\necho "systemctl $*" >>"$CALLS"\n',
        }
        for name, text in fakes.items():
            (folder / "bin" / name).write_text(text)
            (folder / "bin" / name).chmod(0o755)

    def boot(self, *, apt_fails: bool = False) -> tuple[str, list[str]]:
        """Run the step; return what it says on the console, and its calls."""
        (self.root / "calls").write_text("")
        done = subprocess.run(
            ["bash", self.root / "setup.sh"],
            env={
                "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}",
                "RUNTIME_DIRECTORY": str(self.root / "run"),
                "METADATA": str(self.root / "metadata"),
                "CALLS": str(self.root / "calls"),
                "ROOT": str(self.root),
                "APT_FAILS": "yes" if apt_fails else "",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout, (self.root / "calls").read_text().splitlines()


@pytest.fixture
def vm(tmp_path: Path) -> Vm:
    return Vm(tmp_path)


def test_agent_is_off_by_default(vm: Vm) -> None:
    assert vm.boot() == ("", [])
    assert not (vm.root / "etc").exists()


@pytest.mark.parametrize("place", ["instance", "project"])
def test_agent_is_installed_once_if_the_metadata_ask_for_it(vm: Vm, place: str) -> None:
    (vm.root / "metadata" / place).write_text("yes")
    said, calls = vm.boot()
    assert said == "ventas: Ops Agent: it sends the log and the metrics of this VM\n"
    assert [call.split()[-1] for call in calls if call.startswith("apt-get")] == [
        "update",
        "google-cloud-ops-agent",
    ]
    written = vm.root / "etc/google-cloud-ops-agent/config.yaml"
    assert written.read_text() == (FILES / "ops-agent.yaml").read_text()
    assert vm.boot() == ("", ["systemctl --quiet is-active google-cloud-ops-agent"])


def test_own_answer_of_the_vm_comes_before_the_one_of_the_project(vm: Vm) -> None:
    (vm.root / "metadata/project").write_text("yes")
    (vm.root / "metadata/instance").write_text("no")
    assert vm.boot() == ("", [])


def test_agent_stops_if_it_is_not_wanted_any_more(vm: Vm) -> None:
    (vm.root / "metadata/project").write_text("yes")
    vm.boot()
    (vm.root / "metadata/project").unlink()
    assert vm.boot() == ("", ["systemctl disable --now google-cloud-ops-agent"])


def test_agent_that_cannot_be_installed_is_said_and_stops_nothing(vm: Vm) -> None:
    (vm.root / "metadata/project").write_text("yes")
    said, calls = vm.boot(apt_fails=True)
    # Neither an error, which ends the window, nor a step of the installation, which prolongs it.
    assert re.fullmatch(r"ventas: Ops Agent: not installed, .*no route to the archive.*\n", said)
    assert not [call for call in calls if call.startswith("systemctl")]
    # Debian's own packages do not depend on an archive that does not answer.
    assert not list((vm.root / "etc").rglob("*.list"))
    assert "sends the log" in vm.boot()[0]


def test_configuration_sends_the_journal() -> None:
    logging = yaml.safe_load((FILES / "ops-agent.yaml").read_text(encoding="utf-8"))["logging"]
    pipelines = logging["service"]["pipelines"]
    assert pipelines["default_pipeline"]["receivers"] == list(logging["receivers"])
    assert logging["receivers"]["journal"] == {"type": "systemd_journald"}
