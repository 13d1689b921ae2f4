"""PGMQ transport: uses all options of the address and the event loop, survives foreign messages.

PGMQ keeps a task with a countdown until it is almost due, so that workers need no memory for it.
"""

# kombu's stubs leave this out.
# mypy: disable-error-code="attr-defined, import-not-found, import-untyped, misc, no-untyped-call"

import json
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any
from uuid import uuid4

from celery import current_app
from kombu import Message
from kombu.transport import pgmq
from kombu.utils.encoding import bytes_to_str
from pgmq.base import PGMQConfig
from psycopg import DatabaseError, DataError, InterfaceError, OperationalError
from psycopg.types.json import set_json_loads

from task_queue.leases import seconds_until_due

logger = logging.getLogger(__name__)

# A worker receives a task this many seconds before it is due, and waits for the rest. PGMQ counts
# whole seconds, and workers poll once a second.
EARLY = 2


def read_json(text: str | bytes) -> Any:
    """Decode JSON. Return the text if it exceeds a limit of Python, such as a number's digits."""
    try:
        return json.loads(text)
    except (RecursionError, ValueError):
        return bytes_to_str(text)


def address(config: PGMQConfig) -> str:
    """Return the whole address: pgmq drops everything after the question mark, such as sslmode."""
    return str(config.conn_string)


# Django's own connections do not use this.
set_json_loads(read_json)
PGMQConfig.dsn = property(address)  # type: ignore[assignment, method-assign]


class Channel(pgmq.Channel):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # By default, kombu requeues nothing on shutdown, and tasks wait until their leases expire.
        self.qos.restore_at_shutdown = True

    def basic_publish(self, message: Any, *args: Any, **kwargs: Any) -> Any:
        """Raise an error that kombu retries on a new channel. It does not retry its own error."""
        if self.closed:
            raise OperationalError("the channel is closed")
        return super().basic_publish(message, *args, **kwargs)

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        self._finish(super().basic_ack, delivery_tag)

    def basic_reject(self, delivery_tag: str, requeue: bool = False) -> None:
        delivered: Any = self.qos._delivered
        # A task may outlive its channel, which has requeued the message.
        if delivery_tag in delivered:
            self._finish(super().basic_reject, delivery_tag, requeue)

    def _finish(self, finish: Callable[..., None], delivery_tag: str, *args: Any) -> None:
        """Acknowledge or reject a message. If that fails, free its slot, and let its lease end."""
        try:
            finish(delivery_tag, *args)
        except OperationalError:
            # The pool's connection was cut. The second attempt gets another one.
            finish(delivery_tag, *args)
        finally:
            self.qos.ack(delivery_tag)

    def _restore(self, message: Any, *args: Any) -> None:
        try:
            super()._restore(message)
        except OperationalError as error:
            # kombu would write the task to a file.
            logger.warning("A task is requeued when its lease ends: %s", error)

    def _pgmq_send_kwargs(self, message: dict[str, Any]) -> dict[str, Any]:
        """Have PGMQ keep a task until it is almost due."""
        options: dict[str, Any] = super()._pgmq_send_kwargs(message)
        if (wait := int(seconds_until_due(message) - EARLY)) > 0:
            options["delay"] = wait
        return options

    def _size(self, queue: str) -> int:
        """Return the number of tasks that are due and that no worker holds."""
        return int(self.pgmq.metrics(self._queue_name(queue)).queue_visible_length)

    def _new_queue(self, queue: str, **kwargs: Any) -> None:
        """Create a queue only if it is missing: creating it again would wait for its readers."""
        if not self._has_queue(queue):
            super()._new_queue(queue, **kwargs)

    def _maybe_enable_notify(self, queue: str, queue_name: str | None = None) -> None:
        """Create PGMQ's trigger once, under a lock: replacing it would wait for readers, too."""
        name = queue_name or self._queue_name(queue)
        pool: Any = self.pgmq.pool
        with pool.connection() as connection:
            enabled = "SELECT FROM pgmq.notify_insert_throttle WHERE queue_name = %s"
            if not connection.execute(enabled, (name,)).rowcount:
                connection.execute("SELECT pgmq.acquire_queue_lock(%s)", (name,))
                self.pgmq.enable_notify(name, self.notify_throttle_interval_ms, conn=connection)
        self.connection._register_notify_queue(name)

    def _pgmq_message_to_python(self, pgmq_message: Any, queue: str) -> Any:
        """Wrap a message that kombu cannot read: it becomes a dead letter."""
        try:
            payload = super()._pgmq_message_to_python(pgmq_message, queue)
            hash(self.Message(payload, channel=self).delivery_tag)
        except (AttributeError, KeyError, TypeError, ValueError):
            pgmq_message.message = {
                "body": json.dumps(pgmq_message.message),
                "properties": {"delivery_tag": str(uuid4())},
            }
            payload = super()._pgmq_message_to_python(pgmq_message, queue)
        return payload


def nothing(*args: Any) -> None:
    pass


class Transport(pgmq.Transport):
    """Fetch tasks after a notification, when a task has ended, and once a second.

    With an event loop, Celery gives each pool process its own pipes. Shared pipes have locks, and
    a killed process may leave one locked, so that the worker hangs.
    """

    Channel = Channel
    # All except DataError: what PostgreSQL cannot store now, it never can.
    channel_errors = (
        *pgmq.Transport.channel_errors,
        InterfaceError,
        *(kind for kind in DatabaseError.__subclasses__() if kind is not DataError),
    )
    implements = pgmq.Transport.implements.extend(asynchronous=True)
    forget: Callable[[], None] = nothing

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        def take_tasks() -> None:
            waiter = self._get_notify_waiter()
            waiter.wait(0)
            if waiter._conn:
                loop.add_reader(waiter._conn, nothing)
            with suppress(TimeoutError):
                while True:
                    self.drain_events(connection, timeout=0)
            # The pool may have had its turn, and would start new tasks only in the next one.
            for other in loop.on_tick - {take_tasks}:
                other()

        loop.on_tick.add(take_tasks)
        loop.call_repeatedly(self.polling_interval, nothing)
        self.forget = lambda: loop.on_tick.discard(take_tasks)

    def close_connection(self, connection: Any) -> None:
        self.forget()
        super().close_connection(connection)


def renew(channel: Channel, messages: Iterable[Message]) -> None:
    """Renew the leases of messages, with one command for each queue. Deleted ones stay deleted."""
    held = defaultdict(list)
    for message in messages:
        delivery = message.delivery_info
        held[delivery["pgmq_queue"]].append(delivery["pgmq_msg_id"])
    for queue, ids in held.items():
        channel.pgmq.set_vt(queue, ids, channel.visibility_timeout)


def is_redelivered(request: Any) -> bool:
    """Return whether the broker has delivered this task before."""
    delivery = (request.properties or {}).get("delivery_info", {})
    return bool(delivery.get("pgmq_message", {}).get("read_ct", 1) > 1)


def count_unacknowledged(channel: Any) -> int:
    """Return the number of tasks that workers hold or that are not due yet."""
    queues = [channel._queue_name(queue.name) for queue in current_app.amqp.queues.values()]
    metrics = [channel.pgmq.metrics(queue) for queue in queues]
    return sum(queue.queue_length - queue.queue_visible_length for queue in metrics)
