"""Processes of a worker die, and the tasks that they ran are run again."""

import os
import signal
import time

from tests.faults import on_every_broker
from tests.faults.conftest import Record
from tests.faults.site import Site

SENT = 200


@on_every_broker("redis")
def test_a_process_of_a_worker_is_killed(site: Site, nothing_is_lost: Record) -> None:
    site.start_worker()
    site.send("work", 0.1)
    site.wait_for_finished(20)
    os.kill(site.wait_for_running()[0].pid, signal.SIGKILL)
    fault = time.time()
    site.wait_for_finished(SENT)
    nothing_is_lost(SENT, fault, repeats=1)


@on_every_broker("rabbitmq")
def test_a_worker_is_killed(site: Site, nothing_is_lost: Record) -> None:
    worker = site.start_worker()
    site.send("work", 0.1)
    site.wait_for_finished(20)
    site.wait_for_running()
    worker.kill()
    fault = time.time()
    site.start_worker("two")
    site.wait_for_finished(SENT)
    nothing_is_lost(SENT, fault)


@on_every_broker("redis")
def test_a_worker_that_waits_is_killed(site: Site, nothing_is_lost: Record) -> None:
    """It has asked for a task, and does not read the answer any more."""
    worker = site.start_worker()
    worker.freeze()
    site.send("work", 0.05)
    worker.kill()
    fault = time.time()
    site.start_worker("two")
    site.wait_for_finished(SENT)
    nothing_is_lost(SENT, fault, repeats=0)


@on_every_broker("sqs")
def test_a_task_kills_its_process_each_time(site: Site, nothing_is_lost: Record) -> None:
    site.start_worker()
    site.send("kill", "process", count=1, first=SENT)
    fault = time.time()
    site.send("work", 0.05)
    site.wait_for_finished(SENT)
    assert_set_aside(site)
    # Others that the worker had at hand may be delivered again, but not run.
    nothing_is_lost(SENT, fault, repeats=2)


@on_every_broker("redis")
def test_a_task_kills_its_worker_each_time(site: Site, nothing_is_lost: Record) -> None:
    site.send("kill", "worker", count=1, first=SENT)
    site.send("work", 0.05)
    fault = time.time()
    site.start_worker()
    site.wait_for_finished(SENT)
    assert_set_aside(site)
    # Each time, the other process of the worker dies too.
    nothing_is_lost(SENT, fault, repeats=2 + 3)


def assert_set_aside(site: Site) -> None:
    """Prove that a task is given up after two restarts, and that those on duty can see why."""
    rows = "InterruptedTask.objects.filter(set_aside=True).values_list('name', 'restarts')"
    listed = f"from interruptions.models import InterruptedTask; print(list({rows}))"
    site.wait_until(lambda: "SetAside" in logs(site), "the task is set aside")
    assert site.count("started")[SENT] == 3
    assert site.shell(listed) == "[('tests.faults.kill', 3)]"
    assert "tests.faults.kill was started 3 times" in logs(site)


def logs(site: Site) -> str:
    return "\n".join(worker.log.read_text() for worker in site.workers)
