"""A project on each broker with TLS."""

from pathlib import Path

import pytest

from tests.helpers.make import make
from tests.helpers.secure import BROKERS
from tools.generate import choices, generate


@pytest.fixture(scope="package", params=BROKERS)
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project whose results are on a server with TLS, too."""
    versions = choices()["django"]
    answers = {
        "project_slug": request.param + "_project",
        "broker": request.param,
        "django": versions[BROKERS.index(request.param) % len(versions)],
    }
    project = generate(answers, tmp_path_factory.mktemp("project"))
    make(project, "install")
    return project
