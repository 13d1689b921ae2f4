"""A worker renews the leases of the tasks that it holds."""

import sys
from collections.abc import Iterator
from threading import Event, Thread
from weakref import WeakSet

import pytest

from task_queue.leases import copy


class Running:
    """Stands for a request, which Celery keeps in such a set."""


@pytest.fixture
def switch_threads_often() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("switch_threads_often")
def test_running_tasks_are_read_while_others_begin_and_end() -> None:
    requests = [Running() for _ in range(100)]
    running: WeakSet[Running] = WeakSet(requests)
    ended = Event()

    def begin_and_end() -> None:
        while not ended.is_set():
            for request in requests[1:]:
                running.discard(request)
                running.add(request)

    thread = Thread(target=begin_and_end)
    thread.start()
    try:
        assert all(requests[0] in copy(running) for _ in range(20_000))
    finally:
        ended.set()
        thread.join()
