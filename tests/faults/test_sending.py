"""Visitors who send tasks while the broker is down wait a little or get an error."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from urllib.parse import urlencode

import pytest

from tests.faults import OWN_SERVER, on_brokers, on_every_broker
from tests.faults.conftest import Note, Record
from tests.faults.site import Site
from tools.process import Process
from tools.progress import STUCK_SECONDS
from tools.servers.server import HOST, free_port
from tools.trial.processes import python

VISITORS = 20
VISITS = 200
# Tasks that are queued before the first visit.
SENT = 400
SECONDS_DOWN = 3


class Web(Process):
    """The project's web server, connected to the broker through a relay."""

    name = "web"
    ready = "Booting worker"

    def __init__(self, site: Site, **env: str) -> None:
        broker = site.broker_url(HOST, site.relay.port)
        settings = {"DJANGO_SETTINGS_MODULE": "tests.web", "CELERY_BROKER_URL": broker, **env}
        super().__init__(site.project, log=site.folder / "web.log", env=site.env | settings)
        self.port = free_port()
        self._notes = str(site.notes)

    def command(self) -> list[str]:
        options = ["--threads", str(VISITORS), "--bind", f"{HOST}:{self.port}"]
        return [python(self.folder), "-m", "gunicorn", "config.wsgi", *options]

    def visit(self, number: int) -> tuple[int, str]:
        """Send a task by visiting the site. Return status and page, or fail after a timeout."""
        return self.get("/send?" + urlencode({"notes": self._notes, "number": number}))

    def get(self, address: str) -> tuple[int, str]:
        """Return status and body of a page."""
        connection = HTTPConnection(HOST, self.port, timeout=STUCK_SECONDS)
        connection.request("GET", address)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


@pytest.fixture
def web(site: Site) -> Iterator[Web]:
    site.relay.start()
    with Web(site) as web:
        yield web


@on_every_broker()
def test_the_broker_fails_while_visitors_send_tasks(site: Site, nothing_is_lost: Record) -> None:
    site.hold(VISITS + SENT)
    site.send("work", 0.1, count=SENT, first=VISITS)
    site.start_worker()
    site.relay.start()
    # By default, sending is retried for seven seconds, which may be too short on a slow machine.
    with Web(site, RETRIES="1000") as web, ThreadPoolExecutor(VISITORS) as visitors:
        visits = [visitors.submit(web.visit, number) for number in range(VISITS)]
        site.wait_until(
            lambda: sum(visit.done() for visit in visits) > VISITS // 4, "some visits are done"
        )
        fault = time.time()
        site.relay.cut()
        site.release()
        time.sleep(SECONDS_DOWN)
        site.relay.start()
    answers = [visit.result() for visit in visits]
    assert {status for status, _ in answers} == {200}
    site.wait_for_finished(VISITS + SENT)
    # A task without a confirmation is sent again.
    nothing_is_lost(VISITS + SENT, fault, repeats=VISITORS)


@on_every_broker()
def test_a_visitor_gets_503_while_the_broker_is_down(
    site: Site, web: Web, note_seconds: Note
) -> None:
    site.relay.cut()
    with note_seconds():
        status, page = web.visit(0)
    assert status == 503
    assert page == "This cannot be done right now. Please try again in a minute."
    site.relay.start()
    assert web.visit(1)[0] == 200


@on_every_broker()
def test_a_visitor_gets_503_while_the_results_are_down(site: Site, web: Web) -> None:
    site.results.kill()
    assert [web.visit(number)[0] for number in range(2)] == [503, 503]
    site.results.start()
    assert [web.visit(number)[0] for number in range(2, 4)] == [200, 200]
    site.results.kill()
    # A process that has sent tasks may notice the outage after another one.
    assert {web.visit(number)[0] for number in range(4, 7)} <= {200, 503}
    site.results.start()
    assert web.visit(7)[0] == 200


@on_brokers(OWN_SERVER)
def test_a_visitor_gets_503_while_the_server_of_tasks_and_results_is_down(site: Site) -> None:
    """The process has sent no task before the first outage, and two before the second."""
    results = f"{site.broker_url(HOST, site.relay.port).removesuffix('/0')}/1"
    with Web(site, CELERY_RESULT_BACKEND=results) as web:
        for first in (0, 4):
            assert [web.visit(first + number)[0] for number in range(2)] == [503, 503]
            site.relay.start()
            assert [web.visit(first + number)[0] for number in (2, 3)] == [200, 200]
            site.relay.cut()


@on_brokers(OWN_SERVER)
def test_a_visitor_gets_503_while_the_server_of_tasks_and_results_does_not_answer(
    site: Site, note_seconds: Note
) -> None:
    """It accepts connections, and the process has none yet."""
    results = f"{site.broker_url(HOST, site.relay.port).removesuffix('/0')}/1"
    site.relay.start()
    site.relay.mute()
    with Web(site, CELERY_RESULT_BACKEND=results) as web:
        with note_seconds():
            assert web.visit(0)[0] == 503
        site.relay.cut()
        site.relay.start()
        assert web.visit(1)[0] == 200


@on_every_broker()
def test_a_dead_letter_is_kept_while_the_broker_is_down(site: Site, web: Web) -> None:
    worker = site.start_worker()
    app = "from config import celery_app"
    site.shell(f"{app}; celery_app.send_task('no.task', queue='default')")
    letters = "from task_queue.models import DeadLetter; print(DeadLetter.objects.count())"
    site.wait_until(lambda: site.shell(letters) == "1", "there is a dead letter")
    site.wait_until_nothing_is_queued()
    worker.stop()
    site.workers.remove(worker)
    # Sending a task opens a connection, which then breaks.
    assert web.visit(0)[0] == 200
    site.relay.cut()
    assert web.get("/retry")[0] == 503
    assert site.shell(letters) == "1"
    site.relay.start()
    assert web.get("/retry")[0] == 200
    assert site.shell(letters) == "0"


@on_every_broker()
def test_a_visitor_gets_503_while_the_broker_does_not_answer(
    site: Site, web: Web, note_seconds: Note
) -> None:
    assert web.visit(0)[0] == 200
    if site.broker is site.database:
        # PostgreSQL's client waits endlessly on an open connection.
        site.relay.cut()
        site.relay.start()
    site.relay.mute()
    with note_seconds():
        status, page = web.visit(1)
    assert status == 503
    assert "Please try again in a minute." in page
    site.relay.cut()
    site.relay.start()
    assert web.visit(2)[0] == 200
