"""A new version replaces the old one, and nobody notices."""

import time

from tests.faults import on_every_broker
from tests.faults.conftest import Record
from tests.faults.site import PROCESSES, Site
from tools.servers.server import STOP_SECONDS

SENT = 200
LONG = PROCESSES
DELAYED = 20


@on_every_broker("pgmq")
def test_a_new_version_is_deployed(site: Site, nothing_is_lost: Record) -> None:
    """The worker gets SIGTERM while tasks run that take longer than its time to finish."""
    old = site.start_worker("old")
    site.send("work", 5, count=LONG, first=SENT)
    site.send("work", 0.1, count=DELAYED, first=SENT + LONG, countdown=4)
    site.send("work", 0.05)
    site.wait_until(lambda: len(site.running()) == LONG, "the long tasks run")
    fault = time.time()
    old.stop()
    stopped = time.time() - fault
    site.start_worker("new")
    site.wait_for_finished(SENT + LONG + DELAYED)
    nothing_is_lost(SENT + LONG + DELAYED, fault)
    # By itself: it would have been killed then.
    assert stopped < STOP_SECONDS
