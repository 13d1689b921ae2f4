"""A new version replaces the old one, and nobody notices."""

import time

from tests.faults import on_every_broker
from tests.faults.conftest import Record
from tests.faults.site import PROCESSES, Site

SENT = 240
LONG = PROCESSES
DELAYED = 20


@on_every_broker("pgmq")
def test_a_new_version_is_deployed(site: Site, nothing_is_lost: Record) -> None:
    """The worker gets SIGTERM while tasks run that take longer than its time to finish."""
    site.env |= {
        "CELERY_TASK_SOFT_TIME_LIMIT": "17",
        "CELERY_TASK_TIME_LIMIT": "18",
        # Longer than the test waits: the old worker must give back what it has. What SQS answers to
        # one that has just stopped, nobody can give back.
        "CELERY_VISIBILITY_TIMEOUT": "30" if site.name == "sqs" else "3600",
    }
    site.send("work", 10, count=LONG, first=SENT)
    site.send("work", 0.1, count=DELAYED, first=SENT + LONG, countdown=7)
    site.send("work", 0.05, count=SENT)
    old = site.start_worker("old")
    site.wait_until(lambda: len(site.running()) == LONG, "the long tasks run")
    assert not site.has_started(SENT + LONG)
    fault = time.time()
    old.stop()
    site.start_worker("new")
    site.wait_for_finished(SENT + LONG + DELAYED)
    assert nothing_is_lost(SENT + LONG + DELAYED, fault).repeated == LONG
    # By itself, and not killed.
    assert old.exit_code == 0
