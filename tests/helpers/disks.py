"""Small and read-only disks."""

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
    """Run a command with its own disk at folder, then list the files on it.

    The options are mount options, such as `size=200k` or `ro`. The list follows the command's
    output. The test is skipped if this machine does not allow mounts.
    """
    space = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    mount = f"mount -t tmpfs -o {options} tmpfs {shlex.quote(str(folder))}"
    if not shutil.which("unshare") or subprocess.run([*space, mount], check=False).returncode:
        pytest.skip("This machine does not allow mounts in a user namespace.")
    listing = f"echo; ls --almost-all {shlex.quote(str(folder))}"
    return subprocess.run(
        [*space, f"{mount}; {shlex.join(command)}; {listing}"],
        cwd=ROOT,
        input=typed,
        capture_output=True,
        check=False,
        text=True,
    )
