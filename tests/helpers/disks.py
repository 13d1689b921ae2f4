"""Disks that hold little or nothing."""

import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tools.generate import ROOT


def run_with_disk(
    options: str, folder: Path, command: Sequence[str], typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command that sees a disk of its own at folder, and list what it leaves there.

    The options are those of a mount, such as `size=200k` or `ro`. The list follows what the command
    prints. Skips the test where this machine lets nobody mount a disk.
    """
    space = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    mount = f"mount -t tmpfs -o {options} tmpfs {shlex.quote(str(folder))}"
    if not shutil.which("unshare") or subprocess.run([*space, mount], check=False).returncode:
        pytest.skip("This machine lets nobody mount a disk of their own.")
    listing = f"echo; ls --almost-all {shlex.quote(str(folder))}"
    return subprocess.run(
        [*space, f"{mount}; {shlex.join(command)}; {listing}"],
        cwd=ROOT,
        input=typed,
        capture_output=True,
        check=False,
        text=True,
    )
