"""Processes of a worker die, and their tasks run again."""

import os
import signal
import time

from tests.faults import on_every_broker
from tests.faults.conftest import Record
from tests.faults.site import IN_FLIGHT, LEASE, Site

SENT = 400


@on_every_broker()
def test_a_process_of_a_worker_is_killed(site: Site, nothing_is_lost: Record) -> None:
    site.hold(SENT)
    site.send("work", 0.1, count=SENT)
    site.start_worker()
    site.wait_for_finished(20)
    os.kill(site.wait_for_running()[0].pid, signal.SIGKILL)
    fault = time.time()
    site.release()
    site.wait_for_finished(SENT)
    nothing_is_lost(SENT, fault, repeats=1)


@on_every_broker()
def test_idle_processes_are_killed(site: Site, nothing_is_lost: Record) -> None:
    """They leave no lock behind that would block the new processes."""
    worker = site.start_worker()
    site.send("work", 0, count=20)
    site.wait_for_finished(20)
    # All tasks are acknowledged.
    site.wait_until_nothing_is_queued()
    for process in worker.below():
        os.kill(process, signal.SIGKILL)
    fault = time.time()
    site.send("work", 0.05, count=SENT, first=20)
    site.wait_for_finished(20 + SENT)
    nothing_is_lost(20 + SENT, fault, repeats=0)


@on_every_broker(exhaustive=False)
def test_a_worker_is_killed(site: Site, nothing_is_lost: Record) -> None:
    sent = IN_FLIGHT + 101
    site.hold(sent)
    site.send("work", 0.05, count=sent - 1)
    worker = site.start_worker()
    site.wait_for_finished(20)
    site.wait_for_running()
    worker.kill()
    fault = time.time()
    site.release()
    site.start_worker("two")
    # The live worker keeps this task for longer than the dead worker's lease.
    site.send("work", 1.5 * LEASE, count=1, first=sent - 1)
    site.wait_for_finished(sent)
    nothing_is_lost(sent, fault)
    assert site.started_once(sent - 1)


@on_every_broker()
def test_an_idle_worker_is_killed(site: Site, nothing_is_lost: Record) -> None:
    """The worker has asked for a task and never reads the answer."""
    worker = site.start_worker()
    site.send("work", 0, count=1, first=SENT)
    site.wait_until_nothing_is_queued()
    worker.freeze()
    site.send("work", 0.05, count=SENT)
    worker.kill()
    fault = time.time()
    site.start_worker("two")
    site.wait_for_finished(SENT + 1)
    nothing_is_lost(SENT + 1, fault, repeats=0)


@on_every_broker()
def test_a_task_kills_its_process_each_time(site: Site, nothing_is_lost: Record) -> None:
    site.start_worker()
    [killer] = site.send("kill", "process", count=1, first=SENT)
    fault = time.time()
    site.send("work", 0.05, count=SENT)
    site.wait_for_finished(SENT)
    assert_quarantined(site, killer)
    # Prefetched tasks may be redelivered, but have not run.
    nothing_is_lost(SENT, fault, repeats=2)


@on_every_broker()
def test_a_task_kills_its_worker_each_time(site: Site, nothing_is_lost: Record) -> None:
    [killer] = site.send("kill", "worker", count=1, first=SENT)
    site.send("work", 0.05, count=SENT)
    fault = time.time()
    site.start_worker()
    site.wait_for_finished(SENT)
    assert_quarantined(site, killer)
    # Each time, the worker's other process dies, too.
    nothing_is_lost(SENT, fault, repeats=2 + 3)


def assert_quarantined(site: Site, task: str) -> None:
    """Check that a task is quarantined after two restarts, and that log and result show why."""
    rows = "DeadLetter.objects.filter(quarantined=True).values_list('name', 'restarts')"
    listed = f"from task_queue.models import DeadLetter; print(list({rows}))"
    site.wait_until(lambda: "Quarantined" in logs(site), "the task is quarantined")
    assert site.count("started")[SENT] == 3
    assert site.shell(listed) == "[('tests.faults.kill', 3)]"
    assert "tests.faults.kill was started 3 times" in logs(site)
    result = f"from config import celery_app; result = celery_app.AsyncResult({task!r})"
    said = site.shell(f"{result}; print(result.state, repr(result.result))")
    assert said.startswith("FAILURE Quarantined('tests.faults.kill was started 3 times")


def logs(site: Site) -> str:
    return "\n".join(worker.log.read_text() for worker in site.workers)
