"""Programs that tests need beside the servers."""

import os
import shutil

import pytest

KUBECTL = "https://kubernetes.io/docs/tasks/tools/ says how to get it."


def need(program: str, how: str) -> None:
    """Skip the test where a program is missing, and say how to get it; fail it in CI."""
    if shutil.which(program):
        return
    missing = f"{program} is missing: {how}"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)
