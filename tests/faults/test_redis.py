"""A full Redis, an outage of Redis, and a failover to a replica."""

import signal
import subprocess
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
import redis

from tests.faults import on_brokers
from tests.faults.conftest import Record
from tests.faults.site import IN_FLIGHT, PROCESSES, Site
from tests.faults.test_leases import LEASE, LONG, POOLS, end, hold_a_task
from tests.helpers import redis_sentinel
from tools.servers import Server
from tools.servers.redis import Redis
from tools.servers.server import HOST, free_port

SENT = IN_FLIGHT + 100
PASSWORD = "of Redis"


class Replica(Redis):
    """A replica of a Redis server."""

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__(folder)
        self._primary = f"{HOST} {port}"

    def command(self) -> list[str]:
        passwords = ["--requirepass", PASSWORD, "--masterauth", PASSWORD]
        return [*super().command(), "--replicaof", self._primary, *passwords]

    def answers(self) -> bool:
        return bool(redis_sentinel.ask(self.port, PASSWORD, "PING"))


def limit_memory(server: Server, size: str) -> None:
    command = ["redis-cli", "-p", str(server.port), "CONFIG", "SET", "maxmemory", size]
    subprocess.run(command, check=True, capture_output=True)


@on_brokers("redis")
def test_redis_is_full(site: Site, nothing_is_lost: Record) -> None:
    """Old and new workers empty the queues, including a dead worker's tasks, without a restart."""
    site.hold(SENT)
    dead = site.start_worker("dead")
    worker = site.start_worker("one")
    site.send("work", 0.1, count=SENT)
    site.wait_for_finished(20)
    limit_memory(site.broker, "1")
    fault = time.time()
    dead.kill()
    site.release()
    site.workers.remove(dead)
    new = site.start_worker("new")
    site.wait_for_finished(SENT)
    limit_memory(site.broker, "0")
    site.send("work", 0, count=20, first=SENT)
    site.wait_for_finished(SENT + 20)
    nothing_is_lost(SENT + 20, fault)
    assert [log.read_text().count("ready.") for log in (worker.log, new.log)] == [1, 1]


@on_brokers("redis")
def test_a_task_that_fails_while_redis_is_full_is_retried_later(site: Site) -> None:
    """It is requeued instead, more often than a task that kills its process would be."""
    site.send("fail_once", count=1)
    limit_memory(site.broker, "1")
    worker = site.start_worker()
    site.wait_until(lambda: worker.log.read_text().count("requeue=True") > 7, "it is requeued")
    limit_memory(site.broker, "0")
    site.wait_for_finished(1)
    site.wait_until_nothing_is_queued()
    assert "Quarantined" not in worker.log.read_text()


@on_brokers("redis")
def test_a_chain_goes_on_if_redis_is_full_until_the_time_limit_of_a_task(site: Site) -> None:
    """The task runs again, and then sends the next one."""
    worker = site.start_worker()
    end = site.folder / "end"
    first = f"hold.si({str(site.notes)!r}, 0, {str(end)!r}).set(soft_time_limit=15)"
    tasks = f"{first} | work.si({str(site.notes)!r}, 1, 0)"
    site.shell(f"from tests.faults import hold, work; ({tasks}).delay()")
    site.wait_for_running()
    limit_memory(site.broker, "1")
    end.touch()
    site.wait_until(lambda: site.count("started")[0] > 1, "the task is requeued")
    limit_memory(site.broker, "0")
    site.wait_for_finished(2)
    site.wait_until_nothing_is_queued()
    assert site.count("finished")[1] == 1
    assert "Soft time limit (15s) exceeded" in worker.log.read_text()


@on_brokers("redis")
def test_an_expired_task_ends_no_worker_while_the_results_are_full(site: Site) -> None:
    limit_memory(site.results, "1")
    worker = site.start_worker()
    site.send("work", 0, count=3, expires=0)
    site.send("work", 0, count=1, first=3, ignore_result=True)
    site.wait_for_finished(1)
    site.wait_until_nothing_is_queued()
    log = worker.log.read_text()
    assert log.count("The end of a task could not be stored") == 3
    assert log.count("ready.") == 1
    assert set(site.count("started")) == {3}


@on_brokers("redis")
def test_a_replica_takes_over(site: Site, nothing_is_lost: Record, tmp_path: Path) -> None:
    """Failover by Redis Sentinel."""
    password = f'sentinel auth-pass {redis_sentinel.NAME} "{PASSWORD}"'
    with (
        closing(redis.Redis(HOST, site.broker.port)) as primary,
        Replica(tmp_path / "replica", site.broker.port),
        redis_sentinel.Sentinel(tmp_path / "sentinel", site.broker.port, [password]) as server,
    ):
        primary.config_set("requirepass", PASSWORD)
        site.wait_until(server.has_a_replica, "the replica is known")
        # The first of two Sentinels is down.
        urls = [
            f"sentinel://:{quote(PASSWORD)}@{HOST}:{port}" for port in (free_port(), server.port)
        ]
        site.env |= {
            "CELERY_BROKER_URL": ";".join(f"{url}/0" for url in urls),
            "CELERY_RESULT_BACKEND": ";".join(f"{url}/1" for url in urls),
            "SENTINEL_MASTER": redis_sentinel.NAME,
            "SENTINEL_PASSWORD": redis_sentinel.PASSWORD,
        }
        site.hold(SENT)
        site.send("work", 0.1, count=SENT)
        worker = site.start_worker()
        site.wait_for_finished(20)
        # Tasks that are not replicated yet would be lost.
        assert primary.wait(1, 0)
        fault = time.time()
        site.broker.kill()
        site.release()
        site.wait_for_finished(SENT)
        nothing_is_lost(SENT, fault)
        assert worker.log.read_text().count("ready.") == 1
        assert "pong" in site.python("-m", "celery", "--app", "config", "inspect", "ping")
        assert site.shell("from tests.tasks import add; print(add.delay(2, 3).get())") == "5"


@on_brokers("redis")
def test_tasks_end_while_redis_does_not_answer_a_busy_worker(site: Site) -> None:
    """Celery closes the channel of the broken connection twice."""
    worker = site.start_worker()
    end = site.folder / "end"
    site.send("hold", str(end), count=PROCESSES)
    site.wait_until(lambda: len(site.running()) == PROCESSES, "all processes run a task")
    site.broker.send_signal(signal.SIGSTOP)
    end.touch()
    lost = "Cannot connect to"
    site.wait_until(lambda: lost in worker.log.read_text() or worker.ended, "it is noticed")
    site.broker.send_signal(signal.SIGCONT)
    site.wait_for_finished(PROCESSES)
    site.wait_until_nothing_is_queued()
    assert site.started_once(*range(PROCESSES))
    assert worker.log.read_text().count("ready.") == 1


@on_brokers("redis")
@pytest.mark.parametrize("pool", POOLS[:2], ids=["prefork", "threads"])
def test_redis_is_down_for_longer_than_a_lease(site: Site, pool: tuple[str, ...]) -> None:
    """Running tasks continue, and waiting tasks are kept."""
    hold_a_task(site, pool)
    site.send("work", 0, count=5, first=2, countdown=2 * LEASE)
    site.broker.kill()
    time.sleep(LONG)
    site.broker.start()
    site.wait_for_finished(6)
    time.sleep(LONG)
    end(site)
    # No worker was restarted.
    assert [worker.log.read_text().count("ready.") for worker in site.workers] == [1, 1]
    assert site.started_once(*range(7))
