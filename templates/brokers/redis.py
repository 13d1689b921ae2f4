"""Takes tasks from Redis so that none is lost on the way to a worker.

kombu's own transport takes a task first, and notes that a worker has it when it has arrived: what
is on its way while the connection breaks, or while the worker dies, is gone. Here, one script does
both. On the same trip, it removes the tasks that are done: so a busy worker goes to Redis once for
each task, where kombu goes four times.

A script cannot wait, so the sender of a task also leaves a wake-up, and idle workers wait for that.
They look for tasks once a second anyway: no task waits for a wake-up that was lost. Redis keeps a
task with a countdown until it is almost due, so that workers need no memory for it.
"""

# kombu's stubs leave most of this out.
# mypy: disable-error-code="attr-defined, misc"

import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from queue import Empty
from time import monotonic, time
from typing import Any
from uuid import uuid4

from celery import current_app
from celery.worker.state import active_requests
from kombu.exceptions import InconsistencyError
from kombu.transport import redis, virtual
from kombu.utils.encoding import bytes_to_str
from kombu.utils.functional import LRUCache
from kombu.utils.json import dumps, loads
from kombu.utils.objects import cached_property
from redis.exceptions import OutOfMemoryError

from task_queue.leases import seconds_until_due

logger = logging.getLogger(__name__)

# A wake-up that nobody waits for is gone after so many milliseconds.
WAKEUP_EXPIRES = 60_000
# A worker gets a task so many seconds before it is due, and starts it in time by its own clock.
EARLY = 2

COMMANDS = Path(__file__).with_suffix(".lua").read_text(encoding="utf-8")
# Delivery tags of tasks that outlived their connection, and of which Redis does not know yet.
acknowledged_late: list[str] = []


class QoS(redis.QoS):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # After a time without Redis, living workers renew their leases first.
        self.restores_from = monotonic() + self.visibility_timeout

    def restore_visible(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: kombu calls this in an event loop only, which some pools do not have."""

    def restore_expired(self) -> None:
        """Send again what dead workers held, by Redis's clock: those of workers may differ."""
        if monotonic() < self.restores_from:
            return
        for tag in self.channel.run("expired", self.visibility_timeout):
            try:
                self.restore_by_tag(bytes_to_str(tag))
            except (InconsistencyError, KeyError, TypeError, ValueError):
                logger.exception("A message cannot be sent again: %s", tag)

    def restore_unacked(self, client: Any = None) -> None:
        """Give back what waits. A task that runs goes on: its lease is renewed."""
        delivered: Any = self._delivered
        running = {request.message.delivery_tag for request in tuple(active_requests)}
        try:
            for tag in [tag for tag in delivered if tag not in running]:
                self.restore_by_tag(tag)
        except self.channel.connection_errors as error:
            logger.warning("Redis is down: tasks at hand run once their leases end (%s).", error)
        delivered.clear()

    def append(self, message: Any, delivery_tag: str) -> None:
        if delivery_tag == self.channel.taken:
            virtual.QoS.append(self, message, delivery_tag)
        else:
            super().append(message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        if self.channel.closed:
            acknowledged_late.append(delivery_tag)
        elif self.channel.takes_next:
            self.channel.done.append(delivery_tag)
        else:
            try:
                self.channel.run("release", delivery_tag)
            except self.channel.connection_errors as error:
                # With gevent, there may be no connection left to use.
                logger.warning("A task is acknowledged later (%s).", error)
                acknowledged_late.append(delivery_tag)
        virtual.QoS.ack(self, delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        if not requeue:
            self.ack(delivery_tag)
        elif not self.channel.closed:
            self.restore_by_tag(delivery_tag, leftmost=True)
            virtual.QoS.ack(self, delivery_tag)

    def restore_by_tag(self, tag: str, client: Any = None, leftmost: bool = False) -> None:
        channel = self.channel
        held = channel._commands.hget(self.unacked_key, tag)
        if not held:
            channel.run("release", tag)
            return
        message, exchange, key = json.loads(held)
        message["properties"]["delivery_info"]["redelivered"] = True
        priority = channel._get_message_priority(message, reverse=False)
        lists = [channel._q_for_pri(queue, priority) for queue in channel._lookup(exchange, key)]
        if lists:
            push = "LPUSH" if leftmost else "RPUSH"
            channel.run("release", tag, push, json.dumps(message), lists=lists)


class Message(virtual.Message):
    """A message, also one that kombu cannot read: its text becomes the body."""

    def __init__(self, payload: Any, channel: Any = None, **options: Any) -> None:
        try:
            super().__init__(payload, channel, **options)
        except (AttributeError, KeyError, TypeError, ValueError):
            properties = payload["properties"] | {"body_encoding": None}
            raw = {"body": json.dumps(payload), "properties": properties}
            super().__init__(raw, channel, **options)


class Channel(redis.Channel):
    QoS = QoS
    Message = Message

    # Those who read replies need no note of what they have, and use kombu's own way.
    no_ack = False
    # The delivery tag of the message that the script noted last.
    taken = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Which queues take a message, by exchange and routing key, and until when that is known.
        self._queues: LRUCache = LRUCache(limit=100)
        # Delivery tags of what is done, of which Redis is told with the next look for a task.
        self.done: list[str] = []
        super().__init__(*args, **kwargs)

    def basic_publish(self, *args: Any, **kwargs: Any) -> Any:
        """Raise an error after which kombu retries on a new channel; its own is not retried."""
        if self.closed:
            raise ConnectionError("the channel is closed")
        return super().basic_publish(*args, **kwargs)

    def basic_consume(self, queue: str, no_ack: bool, *args: Any, **kwargs: Any) -> Any:
        self.no_ack = no_ack
        return super().basic_consume(queue, no_ack, *args, **kwargs)

    @contextmanager
    def conn_or_acquire(self, client: Any = None) -> Iterator[Any]:
        """Use one client for all commands: making one costs more than a command."""
        yield client or self._commands

    @cached_property
    def _commands(self) -> Any:
        client = self._create_client()
        # A full Redis refuses transactions, also those that only read or delete.
        client.pipeline = partial(client.pipeline, transaction=False)
        return client

    def _disconnect_pools(self) -> None:
        self.__dict__.pop("_commands", None)
        super()._disconnect_pools()

    def _lookup(self, exchange: str, routing_key: str, default: Any = None) -> Any:
        """Return which queues take a message. Redis is asked once a second, not for each."""
        queues, until = self._queues.get((exchange, routing_key), ([], 0))
        if not queues or monotonic() > until:
            queues = super()._lookup(exchange, routing_key, default)
            self._queues[exchange, routing_key] = queues, monotonic() + 1
        return queues

    def _queue_bind(self, *args: Any) -> None:
        """Bind a queue, unless Redis is full: senders bind it, too."""
        with suppress(OutOfMemoryError):
            super()._queue_bind(*args)

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:
        priority = self._get_message_priority(message, reverse=False)
        ready, wakeup = self._q_for_pri(queue, priority), self._beside(queue, "wakeup")
        batch = kwargs.get("_publish_batch")
        if (wait := seconds_until_due(message)) > EARLY:
            delayed = {dumps(message): time() + wait}
            if batch:
                batch.add("zadd", self._beside(ready, "delayed"), delayed)
            else:
                self._commands.zadd(self._beside(ready, "delayed"), delayed)
        elif batch or queue in self._expires:
            super()._put(queue, message, **kwargs)
            if batch:
                batch.add("lpush", wakeup, "")
                batch.add("pexpire", wakeup, WAKEUP_EXPIRES)
        else:
            self.run("send", dumps(message), WAKEUP_EXPIRES, lists=[ready, wakeup])

    @property
    def takes_next(self) -> bool:
        """The event loop is about to look for a task, and does not wait for a wake-up."""
        return bool(self.connection.in_event_loop and self.active_queues and not self._in_poll)

    def _brpop_start(self, timeout: float | None = None) -> None:
        """Take a task. Begin to wait for a wake-up if there is none, or room for another."""
        if self.no_ack:
            super()._brpop_start(timeout)
            return
        if self.connection.in_event_loop and self._take():
            # The pool may have had its turn, and would look at what came when the loop goes round.
            for other in self.connection.other_turns():
                other()
        if not self.active_queues or not self.qos.can_consume():
            return
        self._in_poll = self.client.connection
        self._brpop_sent_at = monotonic()
        prefix = self.global_keyprefix
        wakeups = [prefix + self._beside(queue, "wakeup") for queue in self.active_queues]
        self.client.connection.send_command("BRPOP", *wakeups, timeout or self.brpop_timeout)

    def _brpop_read(self, **options: Any) -> bool:
        """Read that there is a wake-up, or that a second is over."""
        if self.no_ack:
            return bool(super()._brpop_read(**options))
        try:
            self.client.parse_response(self.client.connection, "BRPOP", **options)
        except self.connection_errors:
            self.client.connection.disconnect()
            raise
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()
        # The event loop takes the task in its next turn, which begins now.
        if self.connection.in_event_loop or not self._take():
            raise Empty
        return True

    def _take(self) -> bool:
        """Take a task, if there is one, and acknowledge finished ones."""
        queues = self._queue_cycle.consume(len(self.active_queues))
        order = [(queue, priority) for priority in self.priority_steps for queue in queues]
        lists: list[str] = []
        for queue, priority in order:
            ready = self._q_for_pri(queue, priority)
            lists += [ready, self._beside(queue, "wakeup"), self._beside(ready, "delayed")]
        done = list(self.done)
        taken = self.run("take", time() + EARLY, WAKEUP_EXPIRES, *done, lists=lists)
        del self.done[: len(done)]
        if not taken:
            return False
        place, raw, tag = taken
        queue, _priority = order[place]
        self.taken = bytes_to_str(tag or "")
        self._queue_cycle.rotate(queue)
        self.connection._deliver(self._read(raw, queue), queue)
        return True

    def _read(self, raw: bytes, queue: str) -> Any:
        """Return a message, also one that nobody can read: its text becomes the body."""
        # Redis reads less than Python, and kombu's JSON refuses what it has no type for.
        tag = self.taken or str(uuid4())
        for read in (loads, json.loads):
            with suppress(Exception):
                message = read(raw.decode())
                properties = message["properties"]
                if self.taken or properties["delivery_info"].keys() >= {"exchange", "routing_key"}:
                    properties["delivery_tag"] = tag
                    return message
        delivery = {"exchange": "", "routing_key": queue}
        properties = {"delivery_tag": tag, "delivery_info": delivery}
        return {"body": raw.decode(errors="backslashreplace"), "properties": properties}

    def close(self) -> None:
        if not self.no_ack:
            # It waits for a wake-up only.
            self._in_poll = None
        try:
            while self.done:
                self.run("release", self.done[0])
                del self.done[0]
            super().close()
        except self.connection_errors:
            # Redis is down: it keeps this worker's own queues, and learns later what is done.
            self.auto_delete_queues.clear()
            acknowledged_late.extend(self.done)
            self.done.clear()
            super().close()

    def _beside(self, key: str, what: str) -> str:
        return f"{key}{self.sep}{what}"

    def _purge(self, queue: str) -> int:
        """Delete the tasks of a queue that wait, also those that are not due yet."""
        count = sum(self._commands.zremrangebyrank(key, 0, -1) for key in self.delayed_keys(queue))
        return int(super()._purge(queue) + count)

    def delayed_keys(self, queue: str) -> list[str]:
        """Return the keys of the tasks of a queue that are not due yet, with the prefix."""
        lists = [self._q_for_pri(queue, priority) for priority in self.priority_steps]
        return [self.global_keyprefix + self._beside(ready, "delayed") for ready in lists]

    @cached_property
    def _script(self) -> Any:
        return self._commands.register_script(COMMANDS)

    def run(self, command: str, *args: Any, lists: Iterable[str] = ()) -> Any:
        """Run a command of `broker.lua`, whose further keys are lists."""
        # kombu's client puts the prefix before the first key of a script alone.
        keys = [self.global_keyprefix + key for key in (self.unacked_index_key, *lists)]
        return self._script([self.unacked_key, *keys], [command, *args], self._commands)


class Transport(redis.Transport):
    Channel = Channel

    in_event_loop = False

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        before = set(loop.on_tick)
        super().register_with_event_loop(connection, loop)
        own = loop.on_tick - before
        self.other_turns = lambda: loop.on_tick - own
        self.in_event_loop = True


class SentinelChannel(Channel, redis.SentinelChannel):
    """A channel to the server that Redis Sentinel names."""


class SentinelTransport(Transport, redis.SentinelTransport):
    Channel = SentinelChannel


def renew(channel: Channel, messages: Iterable[Any]) -> None:
    """Renew the leases of messages, and send again those whose lease has ended."""
    if tags := {message.delivery_tag for message in messages}:
        channel.run("renew", *tags)
    channel.qos.restore_expired()
    while acknowledged_late:
        channel.run("release", acknowledged_late[0])
        del acknowledged_late[0]


def is_redelivered(request: Any) -> bool:
    """Return whether the broker has delivered this task before."""
    return bool((request.delivery_info or {}).get("redelivered"))


def count_unacknowledged(channel: Any) -> int:
    """Return how many tasks workers hold, and how many are not due yet."""
    delayed = [key for queue in current_app.amqp.queues for key in channel.delayed_keys(queue)]
    held = channel.client.hlen(channel.unacked_key)
    return int(held + sum(channel.client.zcard(key) for key in delayed))
