"""Run Django's deployment checks."""

import re

from tests.checks import check


def faults(setting: str, url: str) -> list[str]:
    """Return the ids of the checks that report this address for a setting."""
    said = check("--deploy", settings="production", ALLOWED_HOSTS="example.com", **{setting: url})
    assert "System check identified" in said, said
    return re.findall(rf"\((task_queue\.\w+)\) {setting} ", said)
