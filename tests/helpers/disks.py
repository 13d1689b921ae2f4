"""Small and read-only disks."""

import os
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
    output. If this machine does not allow mounts, the test fails in CI, and is skipped elsewhere.
    """
    space = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    mount = f"mount -t tmpfs -o {options} tmpfs {shlex.quote(str(folder))}"
    if not shutil.which("unshare") or subprocess.run([*space, mount], check=False).returncode:
        reason = "This machine does not allow mounts in a user namespace."
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason} Allow them: sysctl kernel.unprivileged_userns_clone=1")
        pytest.skip(reason)
    listing = f"echo; ls --almost-all {shlex.quote(str(folder))}"
    return subprocess.run(
        [*space, f"{mount}; {shlex.join(command)}; {listing}"],
        cwd=ROOT,
        input=typed,
        capture_output=True,
        check=False,
        text=True,
    )
