"""Projects refuse servers without a valid certificate."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers.running import SEND, WORKER, running
from tests.helpers.secure import KINDS, SECURE, certify
from tools.generate import facts
from tools.process import inherited
from tools.servers.server import HOST
from tools.trial.processes import python

REFUSED = "certificate verify failed"
# The server of the default result backend.
RESULTS, *_ = facts({}).result.services


@dataclass
class Place:
    """The URLs of servers by their name, and the certificate authority that they use."""

    urls: dict[str, str]
    authority: Path


@contextmanager
def secure_servers(folder: Path, name: str) -> Iterator[Place]:
    """Run a server of each kind with a certificate for this host name."""
    folder.mkdir()
    certificate = certify(name, folder)
    with ExitStack() as stack:
        servers = [stack.enter_context(SECURE[kind](folder / kind, certificate)) for kind in KINDS]
        urls = {server.name: server.secure_url() for server in servers}
        yield Place(urls, folder / "authority.pem")


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Place]]:
    """Run servers with a valid certificate, and servers with one for another host."""
    folder = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack:
        yield {
            "own": stack.enter_context(secure_servers(folder / "own", HOST)),
            "another": stack.enter_context(secure_servers(folder / "another", "example.com")),
        }


def variables(project: Path, place: Place, *, trusted: bool, **others: str) -> dict[str, str]:
    """Return the environment for a project on these servers."""
    [broker] = facts({"broker": project.name.removesuffix("_project")}).broker.services
    return inherited() | {
        "CELERY_BROKER_URL": place.urls[broker],
        "CELERY_RESULT_BACKEND": place.urls[RESULTS],
        **({"SSL_CERT_FILE": str(place.authority)} if trusted else {}),
        **others,
    }


def send(project: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Send a task and wait for its result."""
    command = [python(project), "-c", SEND]
    return subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )


def assert_refused(sent: subprocess.CompletedProcess[str]) -> None:
    assert sent.returncode == 1
    assert REFUSED in sent.stderr


@pytest.mark.exhaustive
def test_a_valid_certificate_is_trusted(
    project: Path, places: dict[str, Place], tmp_path: Path
) -> None:
    environment = variables(project, places["own"], trusted=True)
    with running(project, tmp_path / "log", "ready.", *WORKER, **environment):
        sent = send(project, environment)
    assert sent.stdout == "5\n", sent.stderr


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("certificate", "trusted"),
    [
        pytest.param("own", False, id="unknown authority"),
        pytest.param("another", True, id="another host"),
    ],
)
def test_an_invalid_certificate_is_refused(
    certificate: str, trusted: bool, project: Path, places: dict[str, Place], tmp_path: Path
) -> None:
    environment = variables(project, places[certificate], trusted=trusted)
    assert_refused(send(project, environment))
    with running(project, tmp_path / "log", REFUSED, *WORKER, **environment) as worker:
        assert "ready." not in worker.said()


@pytest.mark.exhaustive
def test_an_invalid_certificate_of_the_result_backend_is_refused(
    project: Path, places: dict[str, Place], tmp_path: Path
) -> None:
    """The broker's certificate is valid, but not that of the result backend."""
    results = places["another"].urls[RESULTS]
    environment = variables(project, places["own"], trusted=True, CELERY_RESULT_BACKEND=results)
    with running(project, tmp_path / "log", "ready.", *WORKER, **environment):
        assert_refused(send(project, environment))
