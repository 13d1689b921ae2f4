"""The broker, the database or the result backend dies and restarts."""

import time

from tests.faults import BROKERS, IN_DATABASE, on_brokers, on_every_broker
from tests.faults.conftest import Record
from tests.faults.site import PROCESSES, Site
from tools.generate import facts
from tools.process import Process
from tools.trial.processes import python

SENT = 400
DELAYED = 20
CHORD = 20
# In seconds. Not due yet when the broker dies, unless the machine is slow.
DELAY = 15
SECONDS_DOWN = 3
# Longer than a sender retries.
LONG_OUTAGE = 12


@on_every_broker()
def test_the_broker_is_killed(site: Site, nothing_is_lost: Record) -> None:
    """A broker that keeps nothing on disk only refuses connections instead."""
    site.relay.start()
    site.env["CELERY_BROKER_URL"] = site.broker_url("127.0.0.1", site.relay.port)
    site.hold(SENT)
    site.send("work", 0.1, count=SENT)
    site.send("work", 0.1, count=DELAYED, first=SENT, countdown=DELAY)
    site.start_worker()
    site.wait_for_finished(20)
    site.wait_for_running()
    fault = time.time()
    if site.broker.durable:
        site.broker.kill()
        site.release()
        time.sleep(SECONDS_DOWN)
        site.broker.start()
    else:
        site.relay.cut()
        site.release()
        time.sleep(SECONDS_DOWN)
        site.relay.start()
    site.wait_for_finished(SENT + DELAYED)
    nothing_is_lost(SENT + DELAYED, fault, repeats=PROCESSES + DELAYED)


@on_brokers(BROKERS[0])
def test_the_broker_is_down_when_a_task_of_a_chain_ends(site: Site) -> None:
    """The task waits until the next one is sent, for longer than a visitor would.

    On other brokers, the worker stops the task when it loses the connection.
    """
    site.relay.start()
    site.env["CELERY_BROKER_URL"] = site.broker_url("127.0.0.1", site.relay.port)
    worker = site.start_worker()
    end = site.folder / "end"
    tasks = f"hold.si({str(site.notes)!r}, 0, {str(end)!r}) | work.si({str(site.notes)!r}, 1, 0)"
    site.shell(f"from tests.faults import hold, work; ({tasks}).delay()")
    site.wait_for_running()
    site.relay.cut()
    end.touch()
    retry = "Retrying refused callback publish for 'tests.faults.work' (10/"
    site.wait_until(lambda: retry in worker.log.read_text(), "the next task is sent repeatedly")
    site.relay.start()
    site.wait_for_finished(2)
    site.wait_until_nothing_is_queued()
    assert site.started_once(0, 1)


@on_every_broker()
def test_the_database_is_killed(site: Site, nothing_is_lost: Record) -> None:
    site.hold(SENT)
    site.send("ask_database", count=SENT)
    site.start_worker()
    site.wait_for_finished(20)
    fault = time.time()
    site.database.kill()
    site.release()
    time.sleep(SECONDS_DOWN)
    site.database.start()
    site.wait_for_finished(SENT)
    # Failed tasks are retried until the database is back.
    nothing_is_lost(SENT, fault, repeats=len(site.read("failed")) + PROCESSES)


@on_brokers(*(name for name in BROKERS if not facts({"broker": name}).broker.database))
def test_a_message_that_cannot_run_arrives_while_the_database_is_down(site: Site) -> None:
    """It is requeued until it can become a dead letter, and others run meanwhile."""
    worker = site.start_worker()
    site.database.kill()
    site.shell("from config import celery_app; celery_app.send_task('no.task', queue='default')")
    site.send("work", 0, count=SENT)
    site.wait_for_finished(SENT)
    site.wait_until(lambda: "is requeued" in worker.log.read_text(), "it is requeued")
    site.database.start()
    letters = "from task_queue.models import DeadLetter; print(DeadLetter.objects.count())"
    site.wait_until(lambda: site.shell(letters) == "1", "there is a dead letter")
    site.wait_until_nothing_is_queued()
    assert worker.log.read_text().count("ready.") == 1


@on_every_broker(*(f"{BROKERS[0]}, {name}" for name in IN_DATABASE))
def test_the_result_backend_is_killed(site: Site, nothing_is_lost: Record) -> None:
    """No result is lost, and the chord completes."""
    site.hold(SENT)
    chord = "from celery import chord; from tests.faults import work, add_up"
    parts = f"work.s({str(site.notes)!r}, {SENT} + n, 0.1) for n in range({CHORD})"
    sent = site.shell(f"{chord}; print(chord({parts})(add_up.s()).id)")
    ids = site.send("work", 0.1, count=SENT)
    site.start_worker()
    site.wait_for_finished(20)
    fault = time.time()
    site.results.kill()
    site.release()
    time.sleep(SECONDS_DOWN)
    site.results.start()
    site.wait_for_finished(SENT + CHORD)
    nothing_is_lost(SENT + CHORD, fault)
    app = "from config import celery_app"
    results = f"print([celery_app.AsyncResult(id).get(timeout=60) for id in {ids}])"
    assert site.shell(f"{app}; {results}") == str(list(range(SENT)))
    total = f"print(celery_app.AsyncResult({sent!r}).get(timeout=60))"
    assert site.shell(f"{app}; {total}") == str(sum(range(SENT, SENT + CHORD)))


@on_brokers(*(f"{BROKERS[0]}, {name}" for name in IN_DATABASE))
def test_the_broker_is_down_while_a_chord_waits(site: Site) -> None:
    """The body is sent once, after the last part, even if the broker is down until then."""
    site.relay.start()
    site.env["CELERY_BROKER_URL"] = site.broker_url("127.0.0.1", site.relay.port)
    worker = site.start_worker()
    end = site.folder / "end"
    parts = f"hold.si({str(site.notes)!r}, 0, {str(end)!r}), work.si({str(site.notes)!r}, 1, 0)"
    body = f"work.si({str(site.notes)!r}, 2, 0)"
    names = "from celery import chord; from tests.faults import hold, work"
    site.shell(f"{names}; chord([{parts}])({body})")
    site.wait_for_finished(1)
    site.relay.cut()
    end.touch()
    time.sleep(LONG_OUTAGE)
    site.relay.start()
    site.wait_for_finished(3)
    site.wait_until_nothing_is_queued()
    assert site.started_once(0, 1, 2)
    assert "could not be retried" not in worker.log.read_text()


@on_every_broker()
def test_the_broker_is_down_when_a_periodic_task_is_due(site: Site) -> None:
    """Beat sends it when the broker is back."""
    task = f"{{'task': 'tests.faults.work', 'schedule': 1, 'args': [{str(site.notes)!r}, 0, 0]}}"
    app = site.folder / "scheduled.py"
    schedule = f"app.conf.beat_schedule = {{'work': {task}}}"
    app.write_text(f"from config import celery_app as app\n{schedule}\n", encoding="utf-8")
    options = ["--schedule", str(site.folder / "schedule"), "--max-interval", "1"]
    beat = Process(
        site.project,
        [python(site.project), "-m", "celery", "--app", "scheduled", "beat", *options],
        log=site.folder / "beat.log",
        env=site.env | {"PYTHONPATH": str(site.folder)},
        ready="beat: Starting",
    )
    site.start_worker()
    with beat:
        # From the first one on, beat has a connection.
        site.wait_for_finished(1)
        site.broker.kill()
        time.sleep(LONG_OUTAGE)
        site.broker.start()
        before = site.count("finished")[0]
        site.wait_until(lambda: site.count("finished")[0] > before, "it runs again")
    assert "Message Error" not in beat.said()


@on_brokers(BROKERS[0], *(f"{BROKERS[0]}, {name}" for name in IN_DATABASE))
def test_other_tasks_run_while_the_results_are_down(site: Site) -> None:
    """Neither the worker's main process nor a sender waits for the results."""
    app = "from config import celery_app"
    site.send("work", 0, count=10, expires=0)
    site.send("never_end", count=1, first=10, time_limit=3, soft_time_limit=2)
    site.shell(f"{app}; celery_app.send_task('no.task', queue='default')")
    site.results.kill()
    worker = site.start_worker()
    site.send("work", 0.1, count=100, first=20, ignore_result=True)
    site.wait_for_finished(100)
    # The process of the killed task was replaced: two tasks run at the same time.
    end = site.folder / "end"
    site.send("hold", str(end), count=PROCESSES, first=200, ignore_result=True)
    site.wait_until(lambda: {200, 201} <= {note.number for note in site.running()}, "both run")
    end.touch()
    wait = "try: celery_app.AsyncResult('id').get(timeout=3)\nexcept Exception: print('ended')"
    assert site.shell(f"{app}\n{wait}") == "ended"
    site.results.start()
    [expired] = site.send("work", 0, count=1, first=11, expires=0)
    state = f"{app}; print(celery_app.AsyncResult({expired!r}).state)"
    site.wait_until(lambda: site.shell(state) == "REVOKED", "its state is stored")
    letters = "from task_queue.models import DeadLetter; print(DeadLetter.objects.count())"
    site.wait_until(lambda: site.shell(letters) == "1", "there is a dead letter")
    site.wait_until_nothing_is_queued()
    assert worker.log.read_text().count("ready.") == 1


@on_brokers(*(f"{BROKERS[0]}, {name}" for name in IN_DATABASE))
def test_connections_to_the_results_are_cut(site: Site) -> None:
    """The main process has its own, and stores the results of revoked and killed tasks."""
    worker = site.start_worker()
    app = "from config import celery_app"

    def states(ids: list[str]) -> str:
        return site.shell(f"{app}; print({{celery_app.AsyncResult(id).state for id in {ids}}})")

    def revoke_behind_busy_processes(first: int) -> list[str]:
        end = site.folder / f"end {first}"
        site.send("hold", str(end), count=PROCESSES, first=first)
        site.wait_until(lambda: len(site.running()) == PROCESSES, "all processes run a task")
        ids = site.send("work", 0, count=10, first=first + PROCESSES)
        site.shell(f"{app}; celery_app.control.revoke({ids})")
        site.wait_until(lambda: ids[0] in worker.log.read_text(), "the worker has revoked them")
        site.cut_database()
        end.touch()
        site.wait_until_nothing_is_queued()
        return ids

    def become(state: str, ids: list[str]) -> None:
        site.wait_until(lambda: states(ids) == f"{{{state!r}}}", f"they are {state}")

    # The main process connects at the first ones. At the others, its connection is closed.
    for first in (0, 100):
        become("REVOKED", revoke_behind_busy_processes(first))
    killed = site.send("never_end", count=PROCESSES, first=200, time_limit=5, soft_time_limit=4)
    site.wait_until(lambda: len(site.running()) == PROCESSES, "all processes run a task")
    site.cut_database()
    site.wait_until_nothing_is_queued()
    become("FAILURE", killed)
    # The worker has replaced the killed processes.
    ids = site.send("work", 0.02, count=100, first=300)

    def are_done() -> bool:
        site.cut_database()
        time.sleep(0.1)
        return len(site.count("finished")) == 2 * PROCESSES + 100

    site.wait_until(are_done, "all tasks are done")
    site.wait_until_nothing_is_queued()
    results = f"print([celery_app.AsyncResult(id).get(timeout=60) for id in {ids}])"
    assert site.shell(f"{app}; {results}") == str(list(range(300, 400)))
    assert worker.log.read_text().count("ready.") == 1
