"""A RabbitMQ that blocks those who publish."""

import os
import shutil
import time

from tests.faults import on_brokers
from tests.faults.site import PROCESSES, Site

SENT = 100
GIGABYTE = 2**30


@on_brokers("rabbitmq")
def test_waiting_tasks_run_while_the_disk_of_rabbitmq_is_full(site: Site) -> None:
    """Workers send events and replies, but do not wait for their confirms."""
    site.broker.stop()
    # Other tests write to the same disk.
    limit = shutil.disk_usage(site.folder).free - 8 * GIGABYTE
    settings = site.broker.folder / "rabbitmq.conf"
    settings.write_text(f"disk_free_limit.absolute = {limit}\n", encoding="utf-8")
    site.broker.start()
    worker = site.start_worker()
    end = site.folder / "end"
    site.send("hold", str(end), count=PROCESSES)
    site.wait_until(lambda: len(site.running()) == PROCESSES, "all processes run a task")
    site.send("work", 0, count=SENT, first=PROCESSES)
    with (site.folder / "file").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 12 * GIGABYTE)
    alarm = "disk resource limit alarm set"
    site.wait_until(lambda: alarm in site.broker.said(), "RabbitMQ blocks publishers")
    # A worker sends an event every two seconds.
    time.sleep(5)
    end.touch()
    site.wait_for_finished(PROCESSES + SENT)
    (site.folder / "file").unlink()
    site.wait_until_nothing_is_queued()
    assert site.started_once(*range(PROCESSES + SENT))
    assert worker.log.read_text().count("ready.") == 1
