"""A live worker's tasks run once, however long they run or wait."""

import signal
import time
from collections.abc import Iterable

import pytest

from tests.faults import BROKERS, on_brokers, on_every_broker
from tests.faults.site import PROCESSES, Site
from tools.generate import facts

LEASE = 4
# Seconds of a lease that a pause must not outlast, on a busy machine.
LONGER_LEASE = 12
# Enough seconds for another worker to take tasks with an expired lease.
LONG = 3 * LEASE
POOLS = [(), ("--pool", "threads"), ("--pool", "gevent")]

with_leases = on_brokers(*(name for name in BROKERS if facts({"broker": name}).broker.leases))


def hold_a_task(site: Site, options: Iterable[str] = (), lease: int = LEASE, **env: str) -> None:
    """Start a worker with a task that runs until `end` is called, and a second worker."""
    site.env["TASK_LEASE"] = str(lease)
    # Before the task: with `solo`, the worker could answer nobody until it has ended.
    site.start_worker("one", options, **env)
    site.send("hold", str(site.folder / "end"), count=1)
    site.wait_for_running()
    site.start_worker("two")
    site.send("work", 0, count=1, first=1)
    site.wait_for_finished(1)


def end(site: Site) -> None:
    """End the held task, and check that it ran once."""
    (site.folder / "end").touch()
    site.wait_for_finished(2)
    site.wait_until_nothing_is_queued()
    assert site.started_once(0)


@on_every_broker()
@pytest.mark.parametrize("pool", POOLS, ids=["prefork", "threads", "gevent"])
def test_a_task_outlasts_its_lease(site: Site, pool: tuple[str, ...]) -> None:
    hold_a_task(site, pool)
    time.sleep(LONG)
    end(site)


@with_leases
def test_a_task_outlasts_its_lease_in_a_blocked_worker(site: Site) -> None:
    hold_a_task(site, ("--pool", "solo"))
    time.sleep(LONG)
    end(site)


@on_every_broker()
def test_a_countdown_outlasts_a_lease(site: Site) -> None:
    site.env["TASK_LEASE"] = str(LEASE)
    site.start_worker("one")
    site.start_worker("two")
    sent = time.time()
    site.send("work", 0, count=20, countdown=10 * LEASE)
    site.wait_for_finished(20)
    assert min(note.time for note in site.read("started")) - sent >= 10 * LEASE
    site.wait_until_nothing_is_queued()
    assert site.started_once(*range(20))


@with_leases
def test_a_worker_is_paused_for_less_than_a_lease(site: Site) -> None:
    hold_a_task(site, lease=LONGER_LEASE)
    site.workers[0].freeze()
    time.sleep(LONGER_LEASE * 0.75)
    site.workers[0].thaw()
    time.sleep(LONG)
    end(site)


@on_every_broker()
def test_a_soft_shutdown_outlasts_a_lease(site: Site) -> None:
    hold_a_task(site, CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT=str(2 * LONG))
    site.workers[0].send_signal(signal.SIGTERM)
    time.sleep(LONG)
    end(site)


@with_leases
def test_prefetched_tasks_outlast_a_lease(site: Site) -> None:
    """A worker with a rate limit prefetches tasks."""
    site.env["TASK_LEASE"] = str(LEASE)
    site.start_worker("one", RATE="12/m")
    site.send("work", 0, count=PROCESSES + 2)
    site.wait_for_finished(1)
    site.start_worker("two")
    site.wait_for_finished(PROCESSES + 2)
    site.wait_until_nothing_is_queued()
    assert site.started_once(*range(PROCESSES + 2))
