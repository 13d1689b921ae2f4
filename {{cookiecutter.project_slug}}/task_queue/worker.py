"""The worker: a message that cannot run becomes a dead letter, and never stops the worker."""

# Celery's stubs leave much of this out.
# mypy: disable-error-code="attr-defined, misc"

import gc
import logging
import signal
from asyncio import CancelledError
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from time import monotonic
from traceback import walk_stack
from typing import Any, ClassVar

import celery.worker.consumer
import celery.worker.request
from celery import signals
from celery.concurrency import asynpool, base, prefork
from celery.exceptions import InvalidTaskError, NotRegistered, Terminated, WorkerLostError
from celery.worker import state
from django.db import close_old_connections, connections
from kombu import Message
from structlog.contextvars import bound_contextvars

from task_queue.health import touch_alive_file
from task_queue.models import DeadLetter

logger = logging.getLogger(__name__)

# Seconds to wait before requeueing a message that could not be stored as a dead letter.
PAUSE = 5
# Attempts of the main process to store the end of a task, which take about ten seconds.
ATTEMPTS = 10
# Errors that Celery raises for foreign messages.
MALFORMED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


# A worker sends heartbeats while its event loop runs (with gevent, while greenlets run).
signals.heartbeat_sent.connect(touch_alive_file)


class Consumer(celery.worker.consumer.Consumer):
    """A consumer that keeps unknown tasks and malformed messages as dead letters."""

    def create_task_handler(self, *args: Any, **options: Any) -> Callable[[Message], None]:
        receive = super().create_task_handler(*args, **options)
        # Keep the bytes of a message: decoding and encoding may change them.
        self.task_consumer.channel.auto_decode = False

        def receive_or_quarantine(message: Message) -> None:
            try:
                receive(message)
            except (*MALFORMED, InvalidTaskError) as error:
                if message.acknowledged:
                    raise
                self.quarantine(message, error)

        return receive_or_quarantine

    def on_unknown_message(self, body: object, message: Message) -> None:
        self.quarantine(message, InvalidTaskError("it is not a task"))

    def on_unknown_task(self, body: object, message: Message, exc: Exception) -> None:
        self.quarantine(message, NotRegistered(message.headers["task"]))

    def on_invalid_task(self, body: object, message: Message, exc: Exception) -> None:
        self.quarantine(message, exc)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Learn which tasks have just started: Celery forgets the others, and they run again."""
        if isinstance(self.pool, prefork.TaskPool):
            pool, until = self.pool._pool, monotonic() + PAUSE
            jobs = [job for job in pool._cache.values() if job._write_to]
            while (late := [job for job in jobs if not job._accepted]) and monotonic() < until:
                for job in late:
                    if writer := asynpool._get_job_writer(job):
                        pool._flush_writer(job._write_to, writer)
                    pool.process_flush_queues(job._write_to)
            # Acknowledge those that have ended already.
            prefork._run_ready_callbacks(self.hub)
        super().on_connection_error_after_connected(exc)

    def cancel_active_requests(self) -> None:
        """Stop tasks at shutdown, in processes only: other pools would lose them, so they wait."""
        if isinstance(self.pool, prefork.TaskPool):
            super().cancel_active_requests()

    def quarantine(self, message: Message, exc: Exception) -> None:
        """Turn a message into a dead letter, or requeue it if that fails."""
        errors: Any = self.connection_errors
        close_old_connections()
        try:
            DeadLetter.quarantine(message)
        except Exception:
            logger.exception("A message could not be stored as a dead letter, and is requeued.")
            self.timer.call_after(PAUSE, message.reject_log_error, (logger, errors, True))
        else:
            # Other errors may quote arguments, which may be secret, and so may a traceback.
            safe = isinstance(exc, (InvalidTaskError, NotRegistered))
            name = type(exc).__name__
            logger.error("A message became a dead letter: %s", repr(exc) if safe else name)
            # Do not reject it: some brokers are configured to keep rejected messages.
            message.ack_log_error(logger, errors)

    on_decode_error = quarantine


class Request(celery.worker.request.Request):
    """A task as the main process sees it. Its log lines have the sender's ids, as in the pool."""

    # The processes that run the tasks: they are idle while this one waits.
    processes: ClassVar[prefork.TaskPool | None] = None
    impatient_until: ClassVar[float] = 0

    def __init__(self, *args: Any, **options: Any) -> None:
        """Refuse malformed values: Celery reads them too late to release the pool process."""
        super().__init__(*args, **options)
        _hard, _soft = [timedelta(seconds=limit or 0) for limit in self.time_limits]
        set(self.stamped_headers or ())
        _args, kwargs, embedded = self._payload
        context = self.request_dict.get("__django_structlog__", {})
        if not all(isinstance(value, dict) for value in (kwargs, embedded or {}, context)):
            raise InvalidTaskError("its arguments, options or log context is not a dictionary")

    def on_accepted(self, *args: Any, **options: Any) -> None:
        super().on_accepted(*args, **options)
        # It started just before the worker cancelled its tasks, which would now wait for it.
        if state.should_terminate and self.processes:
            self.cancel(self.processes, emit_retry=not self.task.acks_late)

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Log how a task ended, with its sender's ids. If that cannot be stored, carry on."""
        sent_by = self.request_dict.get("__django_structlog__") or {}
        if self.processes:
            self.task.backend.max_retries = 1 if monotonic() < Request.impatient_until else ATTEMPTS
        with bound_contextvars(**sent_by | {"task_id": self.id, "task": self.name}):
            try:
                yield
            except (MemoryError, *MALFORMED):
                raise
            except Exception:
                logger.exception("The end of a task could not be stored.")
                self.acknowledge()
                self._already_revoked = True
                # For a minute, make only two attempts: enough to replace a broken connection.
                Request.impatient_until = monotonic() + 60

    def on_timeout(self, *args: Any, **options: Any) -> None:
        with self.ending():
            super().on_timeout(*args, **options)

    def on_failure(self, exc_info: Any, *args: Any, **options: Any) -> None:
        error = getattr(exc_info.exception, "exc", exc_info.exception)
        if isinstance(error, Terminated) and not (self._already_revoked or self._already_cancelled):
            # Celery treats the next task of a process that survived a revoked one as revoked, too.
            exc_info = self._worker_lost_info(error)
        with self.ending():
            super().on_failure(exc_info, *args, **options)

    def revoked(self) -> bool:
        with self.ending():
            return bool(super().revoked())
        return True


@signals.task_prerun.connect
@signals.task_postrun.connect
def close_connections(task: Any, **kwargs: Any) -> None:
    """Close database connections by Django's rule, as requests do."""
    # A task run by `apply()` may be part of its caller's transaction.
    if not task.request.is_eager:
        close_old_connections()


@signals.celeryd_after_setup.connect
def prepare(conf: Any, **kwargs: Any) -> None:
    # While the result backend is down, a finished task waits. By default, Celery drops its result.
    conf.result_backend_always_retry = True
    # Keep the garbage collector of each pool process from copying what all of them share.
    gc.freeze()


@signals.worker_ready.connect
def limit_patience(sender: Any, **kwargs: Any) -> None:
    """Limit how long the main process waits for results and pool processes, if it has any."""
    if isinstance(sender.pool, prefork.TaskPool):
        sender.app.backend.max_retries = ATTEMPTS
        Request.processes = sender.pool
        for number in (signal.SIGTERM, signal.SIGQUIT):
            stop_between_messages(number)
    else:
        if sender.pool.is_green:
            # Each task has a connection of its own, which nothing closes after the task.
            connections.settings["default"]["CONN_MAX_AGE"] = 0
        start = sender.pool.on_apply
        sender.pool.on_apply = lambda run, *args, **kw: start(partial(guard, run), *args, **kw)


def guard(run: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Run a task that may end its thread: Celery would never free its place in the pool."""
    try:
        return run(*args, **options)
    except (CancelledError, MemoryError, SystemExit) as error:
        lost = WorkerLostError(f"The task ended its thread: {error!r}")
        return 1, base.ExceptionInfo((WorkerLostError, lost, error.__traceback__)), 0
    except Exception:
        # As a process does. The result of the task could not be stored, for example.
        return 1, base.ExceptionInfo(), 0


def stop_between_messages(number: int) -> None:
    """Handle a signal after the pool's current message: Celery would wait forever for it."""
    stop: Any = signal.getsignal(number)

    def handle(_: int, frame: Any) -> None:
        if any(caller.f_code.co_filename == asynpool.__file__ for caller, _ in walk_stack(frame)):
            signal.signal(signal.SIGALRM, handle)
            signal.setitimer(signal.ITIMER_REAL, 0.01)
        else:
            stop(number, frame)

    signal.signal(number, handle)


@signals.worker_process_init.connect
def wait_for_results(**kwargs: Any) -> None:
    celery.current_app.backend.max_retries = celery.current_app.conf.result_backend_max_retries
