"""A deploy replaces a worker without losing tasks."""

import signal
import time

import pytest

from tests.faults import on_every_broker
from tests.faults.conftest import Record
from tests.faults.site import PROCESSES, Site

SENT = 240
LONG = PROCESSES
DELAYED = 20


@on_every_broker()
def test_a_new_version_is_deployed(site: Site, nothing_is_lost: Record) -> None:
    """SIGTERM while tasks run for longer than the grace period.

    The worker must requeue its tasks itself, so the lease is an hour. Brokers that may answer a
    worker after it stopped keep a short lease: it cannot requeue those tasks.
    """
    if not site.broker.answers_late:
        site.env["TASK_LEASE"] = "3600"
    stopped = site.folder / "stopped"
    site.send("hold", str(stopped), count=LONG, first=SENT)
    site.send("work", 0.1, count=DELAYED, first=SENT + LONG, countdown=7)
    site.send("work", 0.05, count=SENT)
    old = site.start_worker("old")
    long = set(range(SENT, SENT + LONG))
    site.wait_until(lambda: {note.number for note in site.running()} == long, "the long tasks run")
    assert not site.read("finished")
    fault = time.time()
    old.stop()
    stopped.touch()
    site.start_worker("new")
    site.wait_for_finished(SENT + LONG + DELAYED)
    assert nothing_is_lost(SENT + LONG + DELAYED, fault).repeated == LONG
    # It was not killed.
    assert old.exit_code == 0


@on_every_broker()
@pytest.mark.parametrize("pool", ["solo", "threads", "gevent"])
def test_a_pool_that_cannot_requeue_its_tasks_waits_for_them(site: Site, pool: str) -> None:
    worker = site.start_worker(options=("--pool", pool))
    site.send("hold", str(site.folder / "end"), count=1)
    site.wait_for_running()
    worker.send_signal(signal.SIGTERM)
    # Longer than the grace period.
    time.sleep(3)
    (site.folder / "end").touch()
    site.wait_for_finished(1)
    site.wait_until_nothing_is_queued()
    assert site.started_once(0)


@on_every_broker()
def test_a_worker_stops_when_a_task_has_just_started(site: Site) -> None:
    """SIGTERM before the worker knows that the task runs."""
    if not site.broker.answers_late:
        site.env["TASK_LEASE"] = "3600"
    end = site.folder / "end"
    old = site.start_worker("old", PAUSE="yes")
    site.send("hold", str(end), count=1)
    site.wait_for_running()
    old.send_signal(signal.SIGTERM)
    old.thaw()
    assert old.finish() == 0
    site.workers.remove(old)
    end.touch()
    site.start_worker("new")
    site.wait_for_finished(1)
    assert site.count("started")[0] == 2


@on_every_broker()
def test_a_worker_stops_while_it_reads_a_message_of_its_pool(site: Site) -> None:
    site.send("work", 0, count=1)
    old = site.start_worker("old", STOP_AT_MESSAGE="yes")
    assert old.finish() == 0
    site.workers.remove(old)
    site.start_worker("new")
    site.wait_for_finished(1)
