"""Tasks that record their runs. In the tested project, this file is tests/faults.py."""

# mypy: disable-error-code="import-not-found,untyped-decorator"

import os
import resource
import signal
import time
from pathlib import Path
from threading import Thread
from typing import Any

from billiard.pool import ACK, Worker
from celery import shared_task
from celery.concurrency.asynpool import ResultHandler, unpack_from
from celery.signals import task_received, task_revoked, worker_ready
from celery.worker import state
from django.contrib.auth import get_user_model
from task_queue.base import RetriedTask
from tests.tasks import write

# The numbers of tasks that do not finish before a fault.
HELD = range(*map(int, os.environ.get("HELD", "0 0").split()))


def wait_for_fault(path: str, number: int) -> None:
    while number in HELD and not Path(path).with_name("released").exists():
        time.sleep(0.02)


def note(path: str, event: str, number: int) -> None:
    """Record an event of a task, with the time and the process."""
    write(path, f"{event} {number} {time.time()} {os.getpid()}")


@task_received.connect
@task_revoked.connect
def note_number(request: Any, **kwargs: Any) -> None:
    """Record each message that a worker accepts as a task, even an expired one."""
    fields = getattr(request, "request_dict", vars(request))
    # In Celery's first protocol, the headers are nested.
    for headers in (fields, fields.get("headers")):
        if isinstance(headers, dict) and "number" in headers:
            write(os.environ["TAKEN"], str(headers["number"]))
            return


@worker_ready.connect
def start_noting_pauses(**kwargs: Any) -> None:
    Thread(target=note_pauses, daemon=True).start()


def note_pauses() -> None:
    """Record when this worker stood still for about a lease: others rightly run its tasks again."""
    while True:
        before = time.time()
        time.sleep(0.05)
        if time.time() - before > 0.8 * float(os.environ["TASK_LEASE"]):
            note(os.environ["NOTES"], "paused", 0)


def wait_for_state(pid: int, stopped: bool) -> None:
    """Wait until a process is stopped by a signal, or is not."""
    while (") T " in Path(f"/proc/{pid}/stat").read_text()) != stopped:
        time.sleep(0.02)


class Outbox:
    """Pause the main process just before it learns that a task has started.

    With ACCEPT_LATE, only at the first task: others could go on before they see the pause.
    """

    def __init__(self, queue: Any) -> None:
        self._queue = queue

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)

    def put(self, message: Any) -> None:
        late = os.environ.get("ACCEPT_LATE", "")
        if message[0] == ACK and not Path(late).is_file():
            os.kill(os.getppid(), signal.SIGSTOP)
            if late:
                # It has gone on when it learns this.
                wait_for_state(os.getppid(), stopped=True)
                write(late, "accepted")
                wait_for_state(os.getppid(), stopped=False)
                time.sleep(0.2)
        self._queue.put(message)


def workloop(self: Any, *args: Any, run: Any = Worker.workloop, **options: Any) -> Any:
    self.outq = Outbox(self.outq)
    return run(self, *args, **options)


def receive(self: Any, *args: Any, read: Any = ResultHandler._recv_message) -> Any:
    """Stop the worker when it has read half a message of its pool."""

    def unpack(*header: Any) -> Any:
        # The first messages only say that the processes have started.
        if state.reserved_requests:
            os.kill(os.getpid(), signal.SIGTERM)
        return unpack_from(*header)

    return read(self, *args, unpack_from=unpack)


if os.environ.get("PAUSE"):
    Worker.workloop = workloop
if os.environ.get("STOP_AT_MESSAGE"):
    ResultHandler._recv_message = receive


@shared_task(rate_limit=os.environ.get("RATE"))
def work(path: str, number: int, seconds: float) -> int:
    """Run for some seconds."""
    note(path, "started", number)
    time.sleep(seconds)
    wait_for_fault(path, number)
    note(path, "finished", number)
    return number


@shared_task
def hold(path: str, number: int, until: str) -> None:
    """Run until a file exists."""
    note(path, "started", number)
    while not Path(until).exists():
        time.sleep(0.02)
    note(path, "finished", number)


@shared_task
def add_up(numbers: list[int]) -> int:
    """Sum the results of a chord of `work`."""
    return sum(numbers)


@shared_task(base=RetriedTask, max_retries=None, retry_backoff_max=4)
def ask_database(path: str, number: int) -> None:
    """Query Django's database, with endless retries."""
    note(path, "started", number)
    time.sleep(0.05)
    wait_for_fault(path, number)
    try:
        get_user_model().objects.exists()
    except Exception:
        note(path, "failed", number)
        raise
    note(path, "finished", number)


@shared_task(base=RetriedTask, bind=True)
def fail_once(self: Any, path: str, number: int) -> None:
    """Fail on the first try."""
    if self.request.retries == 0:
        raise ConnectionError("the other side is down")
    note(path, "started", number)
    note(path, "finished", number)


@shared_task
def kill(path: str, number: int, whom: str) -> None:
    """Kill its own process on each run, or the worker with all its processes."""
    note(path, "started", number)
    if whom == "worker":
        os.killpg(os.getpgid(os.getppid()), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


@shared_task
def leave(path: str, number: int) -> None:
    """End its process, or its thread, on each run."""
    note(path, "started", number)
    raise SystemExit(1)


@shared_task
def take_memory(path: str, number: int, megabytes: int) -> None:
    """Leak memory."""
    note(path, "started", number)
    kept.append(b"x" * (megabytes * 2**20))
    note(path, "finished", number)


kept: list[bytes] = []


@shared_task
def take_all_memory(path: str, number: int) -> None:
    """Allocate more memory than the limit."""
    note(path, "started", number)
    resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
    kept.append(b"x" * 2**31)


@shared_task
def never_end(path: str, number: int) -> None:
    """Ignore the soft time limit."""
    note(path, "started", number)
    while True:
        try:
            time.sleep(60)
        except Exception:
            continue
