"""What Django's checks say of production, for the tests."""

import re

from tests.checks import check


def faults(setting: str, url: str) -> list[str]:
    """Return the ids of the checks that fail when this setting has this address."""
    said = check("--deploy", settings="production", ALLOWED_HOSTS="example.com", **{setting: url})
    assert "System check identified" in said, said
    return re.findall(rf"\((celery\.\w+)\) {setting} ", said)
