"""Workers on several hosts share a queue, and tasks outlive the loss of a host."""

import time

from tests.faults import on_every_broker
from tests.faults.conftest import Record
from tests.faults.site import PROCESSES, Site
from tools.servers.server import HOST

SENT = 450
# The most tasks that a host may finish after it was cut off.
AT_HAND = 12 * PROCESSES


@on_every_broker()
def test_a_host_is_cut_off(site: Site, nothing_is_lost: Record) -> None:
    site.relay.start()
    site.hold(SENT)
    site.start_worker("one")
    site.send("work", 0.3, count=SENT)
    site.wait_for_finished(20)
    site.wait_until(lambda: len(pids(site)) == PROCESSES, "each process has finished a task")
    one = pids(site)
    site.start_worker("two", CELERY_BROKER_URL=site.broker_url(HOST, site.relay.port))
    site.wait_until(lambda: at_work(site) == 2 * PROCESSES, "both workers are busy")
    site.relay.cut()
    fault = time.time()
    site.release()
    cut = len(site.read("finished"))
    site.wait_for_finished(SENT)
    by_two = [note for note in site.read("finished")[cut:] if note.pid not in one]
    assert len(by_two) <= AT_HAND
    # The tasks that the host was running are redelivered to the other one.
    nothing_is_lost(SENT, fault)


def pids(site: Site) -> set[int]:
    """Return the ids of the processes that have finished tasks."""
    return {note.pid for note in site.read("finished")}


def at_work(site: Site) -> int:
    """Return the number of busy processes."""
    return len({note.pid for note in site.running()})
