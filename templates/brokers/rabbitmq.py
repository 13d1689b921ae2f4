"""Celery on RabbitMQ: short delays, a limited wait for confirms, and returned messages."""

# Stubs leave these names out.
# mypy: disable-error-code="attr-defined"

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from amqp import spec
from amqp.exceptions import NotFound
from celery import current_app
from celery.utils.time import subtract_datetimes
from django.core.checks import CheckMessage, register
from django.core.checks import Warning as CheckWarning
from kombu import Exchange, Queue
from kombu.exceptions import OperationalError
from kombu.transport import pyamqp
from kombu.transport.native_delayed_delivery import (
    MAX_LEVEL,
    bind_queue_to_native_delayed_delivery_exchange,
    declare_native_delayed_delivery_exchanges_and_queues,
    level_name,
)

from task_queue import app

# Seconds to wait until RabbitMQ confirms a task. Celery would wait forever.
CONFIRM_TIMEOUT = 2
# RabbitMQ's own `consumer_timeout`, in seconds.
CONSUMER_TIMEOUT = 30 * 60


class Celery(app.Celery):
    """A Celery app that accepts delays below a second, and limits the wait for a confirm.

    RabbitMQ itself keeps delayed tasks, and counts whole seconds. Celery refuses shorter delays,
    which would lose a retry. This class raises them to one second.
    """

    _has_room = False

    def send_task(  # type: ignore[override]
        self,
        name: str,
        args: Any = None,
        kwargs: Any = None,
        countdown: float | None = None,
        eta: Any = None,
        **options: Any,
    ) -> Any:
        if eta:
            countdown = subtract_datetimes(app.aware(eta), self.now()).total_seconds()
        if countdown and countdown > 0:
            countdown = max(1, countdown)
            self.make_room()
            # Celery requires this if the route names an exchange.
            options.setdefault("exchange_type", "topic")
            if options.get("routing_key") and not options.get("queue"):
                # Celery would send a delayed task by the routing key of the default queue.
                topic = Exchange(type="topic")
                options["queue"] = Queue("", topic, routing_key=options["routing_key"])
        options.setdefault("confirm_timeout", CONFIRM_TIMEOUT)
        return super().send_task(name, args, kwargs, countdown, **options)

    def make_room(self) -> None:
        """Declare the queues for delayed tasks and those they lead to, once per process.

        Workers declare them when they start, but RabbitMQ drops a delayed task that is sent before.
        Raises kombu's OperationalError while RabbitMQ is down.
        """
        if self._has_room:
            return
        pool: Any = self.pool
        with pool.acquire(block=True) as connection:
            connection.ensure_connection(**self.conf.task_publish_retry_policy)
            try:
                declare_native_delayed_delivery_exchanges_and_queues(connection, "quorum")
                for queue in self.amqp.queues.values():
                    # It belongs to one worker, which declares it.
                    if queue.exclusive:
                        continue
                    queue.bind(connection.default_channel).declare()
                    bind_queue_to_native_delayed_delivery_exchange(connection, queue)
            except connection.recoverable_connection_errors as error:
                raise OperationalError(str(error)) from error
        self._has_room = True


class Channel(pyamqp.Channel):
    def basic_publish_confirm(
        self, *args: Any, confirm_timeout: float | None = None, **options: Any
    ) -> Any:
        """Wait for the confirm of a task, but not of an event or a reply.

        RabbitMQ confirms none while its memory or its disk is full. A worker would wait forever.
        """
        if not (confirm_timeout or self._confirm_selected):
            return self._basic_publish(*args, **options)
        timeout = confirm_timeout or CONFIRM_TIMEOUT
        return super().basic_publish_confirm(*args, confirm_timeout=timeout, **options)

    def basic_reject(self, delivery_tag: int, requeue: bool, argsig: str = "Lb") -> None:
        """Return a message by `basic.nack`, or drop it."""
        if not requeue:
            super().basic_reject(delivery_tag, requeue, argsig)
            return
        # RabbitMQ 4.3 counts only `basic.reject` against the limit after which it drops a message:
        # https://www.rabbitmq.com/docs/4.3/nack
        self.send_method(spec.Basic.Nack, "Lbb", (delivery_tag, False, True))


class Connection(pyamqp.Connection):
    Channel = Channel


class Transport(pyamqp.Transport):
    Connection = Connection


class SSLTransport(pyamqp.SSLTransport):
    Connection = Connection


@register
def check_consumer_timeout(**kwargs: Any) -> Iterator[CheckMessage]:
    """Check that time limits end tasks before RabbitMQ redelivers them."""
    current_app.autodiscover_tasks(force=True)
    limits = {"CELERY_TASK_TIME_LIMIT": current_app.conf.task_time_limit}
    for task in current_app.tasks.values():
        if task.acks_late and task.time_limit not in (None, current_app.conf.task_time_limit):
            limits[f"The time limit of {task.name}"] = task.time_limit
    for name, limit in limits.items():
        if not limit or limit >= CONSUMER_TIMEOUT:
            yield CheckWarning(
                f"{name} is {limit}, but RabbitMQ redelivers a task that is not acknowledged after"
                f" {CONSUMER_TIMEOUT} seconds, and closes the worker's channel.",
                hint="Lower it, or raise consumer_timeout in rabbitmq.conf and silence this check.",
                id="task_queue.W009",
            )


def is_redelivered(request: Any) -> bool:
    """Return whether the broker has delivered this task before."""
    return bool((request.delivery_info or {}).get("redelivered"))


def count_unacknowledged(channel: Any) -> int:
    """Return the number of tasks that responding workers hold or that are not due yet.

    Delayed tasks are in queues that all projects share, and that the first worker declares.
    """
    count = 0
    with suppress(NotFound):
        for level in range(MAX_LEVEL + 1):
            count += channel.queue_declare(level_name(level), passive=True).message_count
    workers = current_app.control.inspect()
    answers = [workers.active(), workers.reserved()]
    return count + sum(len(tasks) for answer in answers for tasks in (answer or {}).values())
