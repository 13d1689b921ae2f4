"""The broker, the database or the result backend dies and comes back."""

import time

from tests.faults import on_every_broker
from tests.faults.conftest import Record
from tests.faults.site import PROCESSES, Site

SENT = 200
DELAYED = 20
SECONDS_AWAY = 3


@on_every_broker("redis")
def test_the_broker_is_killed(site: Site, nothing_is_lost: Record) -> None:
    """With tasks queued, running and delayed. SQS refuses connections: moto keeps nothing."""
    site.relay.start()
    site.env["CELERY_BROKER_URL"] = site.broker_url("127.0.0.1", site.relay.port)
    site.start_worker()
    site.send("work", 0.1)
    site.send("work", 0.1, count=DELAYED, first=SENT, countdown=2)
    site.wait_for_finished(20)
    site.wait_for_running()
    fault = time.time()
    if site.broker.durable:
        site.broker.kill()
        time.sleep(SECONDS_AWAY)
        site.broker.start()
    else:
        site.relay.cut()
        time.sleep(SECONDS_AWAY)
        site.relay.start()
    site.wait_for_finished(SENT + DELAYED)
    nothing_is_lost(SENT + DELAYED, fault, repeats=PROCESSES + DELAYED)


@on_every_broker("sqs")
def test_the_database_is_killed(site: Site, nothing_is_lost: Record) -> None:
    site.start_worker()
    site.send("ask_database")
    site.wait_for_finished(20)
    fault = time.time()
    site.database.kill()
    time.sleep(SECONDS_AWAY)
    site.database.start()
    site.wait_for_finished(SENT)
    # What met the fault is tried again until the database is back.
    nothing_is_lost(SENT, fault, repeats=2 * SENT)


@on_every_broker("rabbitmq")
def test_the_result_backend_is_killed(site: Site, nothing_is_lost: Record) -> None:
    site.start_worker()
    site.send("work", 0.05)
    site.wait_for_finished(20)
    fault = time.time()
    site.results.kill()
    time.sleep(SECONDS_AWAY)
    site.results.start()
    site.wait_for_finished(SENT)
    nothing_is_lost(SENT, fault)
    code = "from tests.faults import work; print(work.delay({!r}, 0, 0).get(timeout=60))"
    assert site.shell(code.format(str(site.notes))) == "0"
