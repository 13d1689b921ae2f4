"""Programs that tests need besides servers."""

import os
import shutil

import pytest

KUBECTL = "install it as in https://kubernetes.io/docs/tasks/tools/."


def need(program: str, how: str) -> None:
    """Skip the test if a program is missing, with a hint on how to install it. In CI, fail it."""
    if shutil.which(program):
        return
    missing = f"{program} is missing: {how}"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)
