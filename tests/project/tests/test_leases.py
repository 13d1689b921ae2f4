"""A worker renews the leases of the tasks that it holds."""

import runpy
import sys
from collections.abc import Iterator
from threading import Event, Thread
from types import SimpleNamespace
from weakref import WeakSet

import pytest

from config.env import env
from task_queue import leases


class Running:
    """A running task, in the kind of set where Celery keeps its request."""

    acknowledged = False

    def __init__(self, number: int) -> None:
        self.message = SimpleNamespace(delivery_tag=str(number))


@pytest.fixture
def switch_threads_often() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def test_a_lease_of_no_seconds_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(env.ENVIRON, "TASK_LEASE", "0")
    with pytest.raises(SystemExit):
        runpy.run_path("config/settings/celery.py")
    assert capsys.readouterr().err.startswith("ERROR: TASK_LEASE is ")


@pytest.mark.usefixtures("switch_threads_often")
def test_running_tasks_are_read_while_others_begin_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = [Running(number) for number in range(100)]
    running: WeakSet[Running] = WeakSet(requests)
    monkeypatch.setattr(leases, "active_requests", running)
    qos = SimpleNamespace(_delivered={}, _dirty=set())
    worker = SimpleNamespace(task_consumer=SimpleNamespace(channel=SimpleNamespace(qos=qos)))
    ended = Event()

    def begin_and_end() -> None:
        while not ended.is_set():
            for request in requests[1:]:
                running.discard(request)
                running.add(request)

    thread = Thread(target=begin_and_end)
    thread.start()
    try:
        first = requests[0].message
        assert all(first in leases.unacknowledged(worker) for _ in range(5_000))
    finally:
        ended.set()
        thread.join()
