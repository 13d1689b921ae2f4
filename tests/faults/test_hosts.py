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
    site.start_worker("two", CELERY_BROKER_URL=site.broker_url(HOST, site.relay.port))
    site.wait_until(lambda: pids(site) == 2 * PROCESSES, "both work")
    together = rate(site)
    assert 1.5 < together / alone < 2.5
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


def pids(site: Site) -> int:
    """Return how many processes have worked."""
    return len({note.pid for note in site.read("finished")})
