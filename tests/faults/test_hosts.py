"""Workers on several hosts share a queue: the rate follows their number, and none is missed."""

import time

from tests.faults import on_every_broker
from tests.faults.conftest import Record
from tests.faults.site import PROCESSES, Site
from tools.servers.server import HOST

SENT = 200
SECONDS = 0.5


@on_every_broker("redis")
def test_a_host_joins_and_one_is_cut_off(site: Site, nothing_is_lost: Record) -> None:
    site.relay.start()
    site.start_worker("one")
    site.send("work", SECONDS, count=SENT)
    alone = rate(site)
    first = pids(site)
    site.start_worker("two", CELERY_BROKER_URL=site.broker_url(HOST, site.relay.port))
    site.wait_until(lambda: len(pids(site)) == 2 * PROCESSES, "both work")
    together = rate(site)
    assert 1.5 < together / alone < 2.5
    # Not while it asks for a task: what Redis hands over to nobody is lost (docs/faults.md).
    site.wait_until(lambda: is_busy(site, pids(site) - first), "the second is busy")
    site.relay.cut()
    fault = time.time()
    site.wait_for_finished(SENT)
    # What the host was doing came to the other, and may be there twice.
    nothing_is_lost(SENT, fault)


def rate(site: Site) -> float:
    """Return how many tasks are done in a second now."""
    before = len(site.read("finished"))
    start = time.monotonic()
    site.wait_for_finished(before + 24)
    return 24 / (time.monotonic() - start)


def pids(site: Site) -> set[int]:
    """Return the processes that have worked."""
    return {note.pid for note in site.read("finished")}


def is_busy(site: Site, processes: set[int]) -> bool:
    """Return whether all the processes have begun a task, and none is about to end one."""
    recent = time.time() - 0.8 * SECONDS
    return processes <= {note.pid for note in site.running() if note.time > recent}
