"""A generated project on its own servers, which tests may kill."""

import json
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.faults.relay import Relay
from tools.generate import Answers
from tools.process import Process, tail
from tools.progress import Stuck, wait_until
from tools.servers import SERVERS, Server
from tools.servers.server import HOST
from tools.services import chosen
from tools.trial.processes import Worker, python

DATABASE_URL = "postgres://postgres@localhost:5432/site"
SEND = Path(__file__).parent / "send.py"
PROCESSES = 2
# In seconds.
LEASE = 8
# The least number of unfinished tasks when a fault happens.
IN_FLIGHT = 200


def site_answers(broker: str, result_backend: str) -> Answers:
    """Return the answers for a project with separate servers."""
    return {
        "broker": broker,
        "result_backend": result_backend,
        "database": "postgresql",
        "demo": False,
        "flower": False,
    }


@dataclass
class Outcome:
    """The state of the tasks after a fault.

    `repeated` counts the runs after the first of each task. `seconds` is the time from the fault
    until the interrupted tasks were done, or else until the next task was done.
    """

    sent: int
    completed: int
    lost: int
    repeated: int
    seconds: float


@dataclass
class Note:
    """A line that a task wrote when it started or finished."""

    event: str
    number: int
    time: float
    pid: int


def at(url: str, server: Server, host: str = HOST, port: int | None = None) -> str:
    """Return a development URL with this host and port in place of the default ones."""
    return url.replace(f"localhost:{server.default_port}", f"{host}:{port or server.port}")


class Site:
    """A project with a broker, a database and a result backend, each on its own server.

    Brokers and result backends in the database share its server.
    """

    def __init__(self, project: Path, name: str, answers: Answers, folder: Path) -> None:
        self.name = name
        self.project = project
        self.folder = folder
        self.notes = folder / "notes"
        self.database = SERVERS["postgresql"](folder / "database")
        choices = chosen(answers)
        # A broker without its own URL uses the database.
        in_database = DATABASE_URL.replace("postgres", str(answers["broker"]), 1)
        self._broker_url = choices["broker"].url or in_database
        self._caches = bool(choices["result_backend"].cache_url)
        self.results = self._server(choices["result_backend"], "results")
        self.broker = self._server(choices["broker"], "broker")
        self.relay = Relay(self.broker.port)
        self.workers: list[SiteWorker] = []
        self.env = {
            "QUEUE_PREFIX": "site",
            "DATABASE_URL": at(DATABASE_URL, self.database),
            "CELERY_BROKER_URL": self.broker_url(HOST, self.broker.port),
            "TASK_LEASE": str(LEASE),
            # Never reached, even on a slow machine.
            "CELERY_TASK_TIME_LIMIT": "600",
            "CELERY_TASK_SOFT_TIME_LIMIT": "590",
            "CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT": "1",
            "REMAP_SIGTERM": "SIGQUIT",
            "SQS_WAIT_TIME": "1",
            "TASK_MAX_RESTARTS": "2",
            "NOTES": str(self.notes),
        }
        if url := choices["result_backend"].url:
            self.env["CELERY_RESULT_BACKEND"] = at(url, self.results)
        if self._caches:
            self.env["CACHE_URL"] = choices["result_backend"].cache_url

    def broker_url(self, host: str, port: int) -> str:
        """Return the broker's URL with this host and port."""
        return at(self._broker_url, self.broker, host, port)

    def _server(self, choice: Any, name: str) -> Server:
        """Return the choice's own server, or the database."""
        own = [service for service in choice.services if service != self.database.name]
        return SERVERS[own[0]](self.folder / name) if own else self.database

    @property
    def servers(self) -> list[Server]:
        return [self.database, self.results, self.broker]

    def start(self) -> None:
        for server in self.servers:
            server.start()
        self.database.create_database("site")
        self.python("manage.py", "migrate", "--verbosity", "0")
        if self._caches:
            self.python("manage.py", "createcachetable")

    def stop(self) -> None:
        for worker in self.workers:
            worker.kill()
        for server in self.servers:
            server.stop()
        self.relay.cut()

    def cut_database(self) -> None:
        """Close all connections to the database, which stays up."""
        url = f"postgresql://postgres@{HOST}:{self.database.port}/postgres"
        with psycopg.connect(url) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'site'"
            )

    def connections(self) -> int:
        """Return the number of open connections to the database."""
        url = f"postgresql://postgres@{HOST}:{self.database.port}/postgres"
        count = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'site'"
        with psycopg.connect(url) as connection:
            return int(connection.execute(count).fetchall()[0][0])

    def python(self, *arguments: str, **env: str) -> str:
        """Run the project's Python and return its output. Fail the test if the command fails."""
        run = Process(
            self.project,
            [python(self.project), *arguments],
            log=self.folder / "python.log",
            errors=self.folder / "python-errors.log",
            env=self.env | env,
        )
        with run:
            code = run.finish()
        assert code == 0, run.said() + tail(run.errors)
        return run.said()

    def shell(self, code: str) -> str:
        """Run code in the project's shell and return its output."""
        return self.python("manage.py", "shell", "--verbosity", "0", "--command", code).strip()

    def send(self, task: str, *args: Any, count: int, first: int = 0, **options: Any) -> list[str]:
        """Send numbered tasks and return their ids."""
        words = [str(self.notes), task, str(first), str(count), json.dumps(args)]
        printed = self.python("-c", SEND.read_text(), *words, json.dumps(options))
        return printed.split()

    def hold(self, sent: int) -> None:
        """Hold the last tasks, so that they are unfinished when a fault happens, however late.

        Call this before a worker starts, and `release` after the fault.
        """
        self.env["HELD"] = f"{sent - IN_FLIGHT} {sent}"

    def release(self) -> None:
        """Let the held tasks finish."""
        (self.folder / "released").touch()

    def start_worker(
        self, name: str = "one", options: Iterable[str] = (), **env: str
    ) -> "SiteWorker":
        worker = SiteWorker(self, name, env, options)
        self.workers.append(worker)
        worker.start()
        return worker

    def restart_ended_workers(self) -> None:
        """Act as a supervisor, like `restart: unless-stopped` in compose.yaml."""
        for worker in self.workers:
            if worker.ended:
                # Do not wait until it is ready: its broker may be down.
                worker.launch()

    def read(self, event: str) -> list[Note]:
        """Return the notes of an event, in order."""
        text = self.notes.read_text() if self.notes.exists() else ""
        # The last line may be incomplete.
        words = [line.split() for line in text[: text.rfind("\n") + 1].splitlines()]
        notes = [Note(what, int(n), float(at), int(pid)) for what, n, at, pid in words]
        return [note for note in notes if note.event == event]

    def count(self, event: str) -> Counter[int]:
        """Return how often each task started or finished."""
        return Counter(note.number for note in self.read(event))

    def running(self) -> list[Note]:
        """Return the notes of unfinished tasks."""
        finished = self.count("finished")
        return [note for note in self.read("started") if note.number not in finished]

    def stood_still(self) -> bool:
        """Return whether a worker stood still for so long that its tasks rightly ran again."""
        return bool(self.read("paused"))

    def started_once(self, *numbers: int) -> bool:
        """Return whether each task started once, or more often because a worker stood still."""
        started = self.count("started")
        return all(started[number] == 1 for number in numbers) or self.stood_still()

    def wait_until(self, done: Callable[[], bool], what: str) -> None:
        """Wait until `done()` is true. Fail the test if tasks stop making progress."""

        def done_now() -> bool:
            self.restart_ended_workers()
            return done()

        try:
            wait_until(done_now, what, lambda: self.notes.exists() and self.notes.stat().st_size)
        except Stuck as stuck:
            logs = "\n".join(worker.log.read_text()[-4000:] for worker in self.workers)
            raise AssertionError(f"{stuck}\n{logs}") from stuck

    def wait_for_finished(self, count: int) -> None:
        self.wait_until(lambda: len(self.count("finished")) >= count, f"{count} tasks are done")

    def wait_for_running(self) -> list[Note]:
        found: list[Note] = []

        def one_runs() -> bool:
            found[:] = self.running()
            return bool(found)

        self.wait_until(one_runs, "a task runs")
        return found

    def wait_until_nothing_is_queued(self) -> None:
        """Wait until the broker has no tasks. By then, redelivered tasks have run again."""

        def nothing_is_queued() -> bool:
            command = [python(self.project), "manage.py", "queues"]
            env = os.environ | self.env
            queued = subprocess.run(
                command, cwd=self.project, env=env, capture_output=True, check=False
            )
            return queued.returncode == 0

        self.wait_until(nothing_is_queued, "no task is queued")

    def finished_before(self, fault: float) -> int:
        """Return the number of tasks that were done at a time in seconds since the epoch."""
        return len({note.number for note in self.read("finished") if note.time < fault})

    def outcome(self, sent: int, fault: float) -> Outcome:
        """Return the outcome of `sent` tasks and a fault at a time in seconds since the epoch."""
        finished, started = self.read("finished"), self.count("started")
        done = {note.number for note in finished}
        before = {note.number for note in finished if note.time < fault}
        interrupted = {n.number for n in self.read("started") if n.time < fault} - before
        after = [n.time for n in finished if n.time > fault]
        ends = [n.time for n in finished if n.number in interrupted]
        return Outcome(
            sent=sent,
            completed=len(done),
            lost=sent - len(done),
            repeated=started.total() - len(started),
            seconds=max(ends, default=min(after, default=fault)) - fault,
        )


class SiteWorker(Worker):
    """A worker with two processes."""

    def __init__(
        self, site: Site, name: str, env: dict[str, str], options: Iterable[str] = ()
    ) -> None:
        super().__init__(site.project, log=site.folder / f"{name}.log", env=site.env | env)
        self._options = options
        self._node = f"{name}@localhost"

    def freeze(self) -> None:
        """Pause all its processes."""
        self.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Resume it."""
        self.send_signal(signal.SIGCONT)

    def command(self) -> list[str]:
        options = ["--include", "tests.faults", "--concurrency", str(PROCESSES)]
        worker = [python(self.folder), "-m", "celery", "--app", "config", "worker"]
        return [*worker, *options, *self._options, "--hostname", self._node]
