"""A project with a development database and a test to run beside it."""

from pathlib import Path

import pytest

from tests.helpers.apart import make_project


@pytest.fixture(scope="package")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project({}, tmp_path_factory.mktemp("project"))
