"""A Redis that is full accepts no new tasks, and keeps none from being done."""

import subprocess
import time

from tests.faults import on_brokers
from tests.faults.conftest import Record
from tests.faults.site import IN_FLIGHT, Site

SENT = IN_FLIGHT + 100


def limit_memory(site: Site, size: str) -> None:
    command = ["redis-cli", "-p", str(site.broker.port), "CONFIG", "SET", "maxmemory", size]
    subprocess.run(command, check=True, capture_output=True)


@on_brokers("redis")
def test_redis_is_full(site: Site, nothing_is_lost: Record) -> None:
    """Workers drain it, also those of a dead one's tasks, and need no restart."""
    dead = site.start_worker("dead")
    worker = site.start_worker("one")
    site.send("work", 0.1, count=SENT)
    site.wait_for_finished(20)
    limit_memory(site, "1")
    fault = time.time()
    dead.kill()
    site.workers.remove(dead)
    site.wait_for_finished(SENT)
    limit_memory(site, "0")
    site.send("work", 0, count=20, first=SENT)
    site.wait_for_finished(SENT + 20)
    nothing_is_lost(SENT + 20, fault)
    assert worker.log.read_text().count("ready.") == 1
