"""Workers on several hosts share a queue: the rate follows their number, and none is missed."""

import time
from collections import defaultdict
from itertools import pairwise
from statistics import median

from tests.faults import on_every_broker
from tests.faults.conftest import Record
from tests.faults.site import PROCESSES, Site
from tools.servers.server import HOST

SENT = 450
SECONDS = 0.5
MEASURED = 40
# What a host that was cut off may still finish.
AT_HAND = 12 * PROCESSES


@on_every_broker("redis")
def test_a_host_joins_and_one_is_cut_off(site: Site, nothing_is_lost: Record) -> None:
    site.relay.start()
    site.start_worker("one")
    site.send("work", SECONDS, count=SENT)
    alone = rate(site)
    one = {note.pid for note in site.read("finished")}
    site.start_worker("two", CELERY_BROKER_URL=site.broker_url(HOST, site.relay.port))
    site.wait_until(lambda: pids(site) == 2 * PROCESSES, "both work")
    together = rate(site)
    assert 1.5 < together / alone < 2.5
    site.relay.cut()
    fault = time.time()
    cut = len(site.read("finished"))
    site.wait_for_finished(cut + AT_HAND)
    assert 1.5 < together / rate(site) < 2.5
    remaining = site.read("finished")[cut + AT_HAND :]
    assert {note.pid for note in remaining} <= one
    site.wait_for_finished(SENT)
    # What the host was doing came to the other, and may be there twice.
    nothing_is_lost(SENT, fault)


def rate(site: Site) -> float:
    """Return how many tasks are done in a second now, by the middle pace of each process."""
    before = len(site.read("finished"))
    site.wait_for_finished(before + MEASURED)
    times = defaultdict(list)
    for note in site.read("finished")[before:]:
        times[note.pid].append(note.time)
    paces = [median(b - a for a, b in pairwise(ends)) for ends in times.values() if len(ends) > 2]
    return sum(1 / pace for pace in paces)


def pids(site: Site) -> int:
    """Return how many processes have worked."""
    return len({note.pid for note in site.read("finished")})
