"""Tasks that exceed a limit are stopped, and no others."""

import time

import pytest

from tests.faults import BROKERS, on_brokers, on_every_broker
from tests.faults.conftest import Record
from tests.faults.site import Site
from tools.generate import facts

SENT = 240
# More than one process finishes before another one reaches its time limit.
QUEUED = 600


@on_every_broker()
def test_a_task_never_ends(site: Site, nothing_is_lost: Record) -> None:
    site.hold(QUEUED)
    worker = site.start_worker()
    site.send("never_end", count=1, first=QUEUED, time_limit=12, soft_time_limit=11)
    site.send("work", 0.1, count=QUEUED)
    site.wait_until(lambda: "Hard time limit (12s)" in worker.log.read_text(), "it is killed")
    fault = time.time()
    site.release()
    site.wait_for_finished(QUEUED)
    assert site.started_once(QUEUED)
    nothing_is_lost(QUEUED, fault, repeats=0)


@on_every_broker()
def test_tasks_keep_memory(site: Site, nothing_is_lost: Record) -> None:
    """A process over its memory limit is replaced after its task."""
    fault = time.time()
    site.start_worker(CELERY_WORKER_MAX_MEMORY_PER_CHILD=str(256 * 1024))
    site.send("take_memory", 20, count=SENT)
    site.wait_for_finished(SENT)
    assert len({note.pid for note in site.read("finished")}) > 10
    nothing_is_lost(SENT, fault, repeats=0)


@on_every_broker()
def test_a_task_takes_all_memory(site: Site, nothing_is_lost: Record) -> None:
    """A MemoryError ends the worker. A task that causes it each time is quarantined."""
    worker = site.start_worker()
    site.send("take_all_memory", count=1, first=SENT)
    fault = time.time()
    site.send("work", 0.05, count=SENT)
    site.wait_for_finished(SENT)
    site.wait_until(lambda: "Quarantined" in worker.log.read_text(), "it is quarantined")
    # Each time, another task may have been running.
    nothing_is_lost(SENT, fault, repeats=2 + 3)


@on_every_broker()
@pytest.mark.parametrize("pool", ["threads", "gevent"])
def test_a_task_ends_its_thread(site: Site, pool: str) -> None:
    """It frees its place, runs again, and is quarantined after two restarts."""
    worker = site.start_worker(options=("--pool", pool, "--concurrency", "1"))
    site.send("leave", count=1, first=1)
    site.wait_until(lambda: "Quarantined" in worker.log.read_text(), "it is quarantined")
    site.send("work", 0, count=1)
    site.wait_for_finished(1)
    site.wait_until_nothing_is_queued()
    assert site.count("started") == {0: 1, 1: 3}


@on_every_broker()
@pytest.mark.parametrize("pool", ["solo", "threads", "gevent"])
def test_the_failure_of_a_task_cannot_be_reported(site: Site, pool: str) -> None:
    """It frees its place."""
    site.start_worker(options=("--pool", pool, "--concurrency", "1"))
    error = "link_error=signature('not.there', queue='nowhere')"
    sent = f"work.apply_async(({str(site.notes)!r}, 1, 'seconds'), {error})"
    site.shell(f"from celery import signature; from tests.faults import work; {sent}")
    site.send("work", 0, count=1)
    site.wait_for_finished(1)
    site.wait_until_nothing_is_queued()


# With a broker in the database, its connections would count, too.
@on_brokers(*(name for name in BROKERS if not facts({"broker": name}).broker.database))
def test_greenlets_close_their_connections(site: Site) -> None:
    site.env["DATABASE_URL"] += "?conn_max_age=3600"
    site.start_worker(options=("--pool", "gevent", "--concurrency", "20"))
    site.send("ask_database", count=60)
    site.wait_for_finished(60)
    site.wait_until_nothing_is_queued()
    site.wait_until(lambda: site.connections() < 10, "connections are closed")
    assert not site.read("failed")


@on_every_broker()
def test_delays_and_retries_are_shorter_than_a_second(site: Site, nothing_is_lost: Record) -> None:
    site.start_worker()
    fault = time.time()
    site.send("work", 0, count=SENT // 2, countdown=0.2)
    site.send("fail_once", count=SENT // 2, first=SENT // 2)
    site.wait_for_finished(SENT)
    nothing_is_lost(SENT, fault, repeats=0)
