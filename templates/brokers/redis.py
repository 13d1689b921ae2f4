"""Redis transport that loses no task on the way to a worker. `README.md` explains it."""

# kombu's stubs leave most of this out.
# mypy: disable-error-code="attr-defined, misc, union-attr"

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
from celery.worker import state
from kombu.transport import redis, virtual
from kombu.utils.functional import LRUCache
from kombu.utils.json import dumps, loads
from kombu.utils.objects import cached_property
from redis.exceptions import OutOfMemoryError

from task_queue.leases import seconds_until_due

logger = logging.getLogger(__name__)

# An unused wake-up expires after this many milliseconds.
WAKEUP_EXPIRES = 60_000
# A worker receives a task this many seconds before it is due, and waits for the rest.
EARLY = 2

COMMANDS = Path(__file__).with_suffix(".lua").read_text(encoding="utf-8")
# Delivery tags of tasks that are done, until Redis knows it: a task may outlive its connection.
acknowledged: set[str] = set()


class QoS(redis.QoS):
    # The script has recorded the message already, unless it is a broadcast, which never returns.
    append = virtual.QoS.append

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # After an outage of Redis, living workers renew their leases first.
        self.restores_from = monotonic() + self.visibility_timeout

    def restore_visible(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: kombu calls this in an event loop only, which some pools do not have."""

    def restore_expired(self) -> None:
        """Requeue the tasks of dead workers, by the clock of Redis: those of workers may differ."""
        if monotonic() < self.restores_from:
            return
        while tags := self.channel.run("expired", self.visibility_timeout):
            for tag in tags:
                self.restore_by_tag(tag)

    def restore_unacked(self, client: Any = None) -> None:
        """Requeue reserved tasks. Running ones continue, and their leases are renewed."""
        delivered: Any = self._delivered
        running = {request.message.delivery_tag for request in tuple(state.active_requests)}
        if state.should_terminate is not None:
            # The worker kills its pool. Celery has cancelled only the tasks that had begun before.
            running.clear()
        try:
            for tag in [tag for tag in delivered if tag not in running]:
                self.restore_by_tag(tag)
        except (*self.channel.connection_errors, self.channel.ResponseError) as error:
            logger.warning("Redis is down: reserved tasks run when their leases end (%s).", error)
        delivered.clear()

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge a message: now, or with the next round trip, or when Redis is back."""
        virtual.QoS.ack(self, delivery_tag)
        acknowledged.add(delivery_tag)
        channel = self.channel
        in_loop = not channel.closed and channel.connection.in_event_loop
        # Fetching the next task, without waiting for a wake-up, acknowledges this one.
        fetches = in_loop and channel.active_queues and not channel._in_poll
        if not channel.closed and not fetches:
            with suppress(*channel.connection_errors):
                channel.release_acknowledged()

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        if not requeue:
            self.ack(delivery_tag)
        elif not self.channel.closed:
            # Its slot is free, even if it is requeued only when its lease ends.
            virtual.QoS.ack(self, delivery_tag)
            self.restore_by_tag(delivery_tag, leftmost=True)

    def restore_by_tag(self, tag: Any, client: Any = None, leftmost: bool = False) -> None:
        """Requeue a message, to the list that it came from."""
        held = self.channel._commands.hget(self.unacked_key, tag) or b""
        name, _, raw = held.partition(b"\n")
        # Other text becomes a dead letter when a worker reads it.
        with suppress(Exception):
            message = json.loads(raw)
            message["properties"]["delivery_info"]["redelivered"] = True
            raw = json.dumps(message)
        lists = [name.decode().removeprefix(self.channel.global_keyprefix)] if held else []
        self.channel.run("release", tag, "LPUSH" if leftmost else "RPUSH", raw, lists=lists)


class Message(virtual.Message):
    """A message. If kombu cannot read it, its text becomes the body."""

    def __init__(self, fetched: Any, channel: Any = None, **options: Any) -> None:
        # Tasks come from `_fetch`. Broadcasts are objects already.
        if not isinstance(fetched, tuple):
            fetched = dumps(fetched).encode(), "", str(uuid4())
        raw, queue, tag = fetched
        delivery = {"exchange": "", "routing_key": queue}
        # kombu refuses types that it does not know.
        for read in (loads, json.loads):
            with suppress(Exception):
                message = read(raw.decode())
                properties = message["properties"]
                properties["delivery_tag"] = tag
                if properties["delivery_info"].keys() >= delivery.keys():
                    super().__init__(message, channel, **options)
                    return
        properties = {"delivery_tag": tag, "delivery_info": delivery}
        text = raw.decode(errors="backslashreplace")
        super().__init__({"body": text, "properties": properties}, channel, **options)


class Channel(redis.Channel):
    QoS = QoS
    Message = Message

    # Whether this channel reads replies: they are not acknowledged, so kombu's methods are safe.
    no_ack = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # The queues of an exchange and a routing key, and the time until which they are cached.
        self._queues: LRUCache = LRUCache(limit=100)
        super().__init__(*args, **kwargs)

    def basic_publish(self, *args: Any, **kwargs: Any) -> Any:
        """Raise an error that kombu retries on a new channel. It does not retry its own error."""
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
        # A full Redis refuses transactions, even those that only read or delete.
        client.pipeline = partial(client.pipeline, transaction=False)
        return client

    def _disconnect_pools(self) -> None:
        self.__dict__.pop("_commands", None)
        super()._disconnect_pools()

    def _lookup(self, exchange: str, routing_key: str, default: Any = None) -> Any:
        """Return the queues of a message. Ask Redis once a second, not for each message."""
        queues, until = self._queues.get((exchange, routing_key), ([], 0))
        if not queues or monotonic() > until:
            queues = super()._lookup(exchange, routing_key, default)
            if exchange and not queues:
                # Redis has lost the bindings, or was too full for them.
                table = self.state.exchanges.get(exchange, {}).get("table", [])
                queues = self.typeof(exchange).lookup(table, exchange, routing_key, default)
            self._queues[exchange, routing_key] = queues, monotonic() + 1
        return queues

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        """Bind a queue, unless Redis is full: the sender of a task binds it, too."""
        if self.typeof(exchange).type == "fanout":
            # Redis itself knows who listens. Stored bindings of killed workers would stay forever.
            self._fanout_queues[queue] = exchange, routing_key.replace("#", "*")
            return
        with suppress(OutOfMemoryError):
            super()._queue_bind(exchange, routing_key, pattern, queue)

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:
        priority = self._get_message_priority(message, reverse=False)
        ready, wakeup = self._q_for_pri(queue, priority), f"{queue}{self.sep}wakeup"
        batch = kwargs.get("_publish_batch")
        if (wait := seconds_until_due(message)) > EARLY:
            self._commands.zadd(f"{ready}{self.sep}delayed", {dumps(message): time() + wait})
        elif batch or queue in self._expires:
            super()._put(queue, message, **kwargs)
            if batch:
                batch.add("lpush", wakeup, "")
                batch.add("pexpire", wakeup, WAKEUP_EXPIRES)
        else:
            self.run("send", dumps(message), WAKEUP_EXPIRES, lists=[ready, wakeup])

    def _brpop_start(self, timeout: float | None = None) -> None:
        """Fetch a task. Then wait for a wake-up if the worker can hold another task."""
        if self.no_ack:
            super()._brpop_start(timeout)
            return
        if self.connection.in_event_loop and self._take():
            # The pool may have had its turn, and would start new tasks only in the next one.
            for other in self.connection.other_turns():
                other()
        if not self.active_queues or not self.qos.can_consume():
            return
        self._in_poll = self.client.connection
        self._brpop_sent_at = monotonic()
        prefix = self.global_keyprefix
        wakeups = [prefix + f"{queue}{self.sep}wakeup" for queue in self.active_queues]
        self.client.connection.send_command("BRPOP", *wakeups, timeout or self.brpop_timeout)

    def _brpop_read(self, **options: Any) -> bool:
        """Read a wake-up, or the end of the wait for one."""
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
        # The event loop fetches the task in its next turn, which begins now.
        if self.connection.in_event_loop or not self._take():
            raise Empty
        return True

    def _receive(self) -> bool:
        # The event may be that of a closed connection. Reading would then block for a minute.
        connection = self.subclient.connection
        return bool(connection and connection.can_read(timeout=0) and super()._receive())

    def basic_get(self, queue: str, no_ack: bool = False, **kwargs: Any) -> Any:
        message = super().basic_get(queue, **kwargs)
        if message and no_ack:
            message.ack()
        return message

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        return self._fetch([queue])[0]

    def _take(self) -> bool:
        """Fetch a task and hand it over. Return whether one was waiting."""
        try:
            message, queue = self._fetch(self._queue_cycle.consume(len(self.active_queues)))
        except Empty:
            return False
        self._queue_cycle.rotate(queue)
        self.connection._deliver(message, queue)
        return True

    def _fetch(self, queues: list[str]) -> tuple[Any, str]:
        """Fetch a message and its queue, and acknowledge finished ones. Raise Empty without one."""
        order = [(queue, priority) for priority in self.priority_steps for queue in queues]
        lists: list[str] = []
        for queue, priority in order:
            ready = self._q_for_pri(queue, priority)
            lists += [ready, f"{queue}{self.sep}wakeup", f"{ready}{self.sep}delayed"]
        # Two queues may have the same message, so each delivery has a tag of its own.
        tag, done = str(uuid4()), tuple(acknowledged)
        taken = self.run("take", time() + EARLY, WAKEUP_EXPIRES, tag, *done, lists=lists)
        acknowledged.difference_update(done)
        if not taken:
            raise Empty
        place, raw = taken
        queue, _priority = order[place]
        return (raw, queue, tag), queue

    def close(self) -> None:
        # Celery closes the channel of a broken connection twice.
        if self.closed:
            return
        if not self.no_ack:
            # The pending command only waits for a wake-up.
            self._in_poll = None
        try:
            self.release_acknowledged()
            super().close()
        except (*self.connection_errors, self.ResponseError):
            # Redis is down, or refuses to write: keep this worker's own queues.
            self.auto_delete_queues.clear()
            super().close()

    def release_acknowledged(self) -> None:
        for tag in tuple(acknowledged):
            self.run("release", tag)
            acknowledged.discard(tag)

    def _purge(self, queue: str) -> int:
        """Delete the waiting tasks of a queue, including those that are not due yet."""
        count = sum(self._commands.zremrangebyrank(key, 0, -1) for key in self.delayed_keys(queue))
        return int(super()._purge(queue) + count)

    def delayed_keys(self, queue: str) -> list[str]:
        """Return the keys, with the prefix, of a queue's tasks that are not due yet."""
        lists = [self._q_for_pri(queue, priority) for priority in self.priority_steps]
        return [self.global_keyprefix + f"{ready}{self.sep}delayed" for ready in lists]

    @cached_property
    def _script(self) -> Any:
        return self._commands.register_script(COMMANDS)

    def run(self, command: str, *args: Any, lists: Iterable[str] = ()) -> Any:
        """Run a command of `broker.lua`, with `lists` as its further keys."""
        # kombu's client adds the prefix to the first key of a script only.
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
    """Renew the leases of messages, and requeue messages whose leases have expired."""
    if tags := {message.delivery_tag for message in messages}:
        channel.run("renew", *tags)
    channel.release_acknowledged()
    channel.qos.restore_expired()


def is_redelivered(request: Any) -> bool:
    """Return whether the broker has delivered this task before."""
    return bool((request.delivery_info or {}).get("redelivered"))


def count_unacknowledged(channel: Any) -> int:
    """Return the number of tasks that workers hold or that are not due yet."""
    delayed = [key for queue in current_app.amqp.queues for key in channel.delayed_keys(queue)]
    held = channel.client.hlen(channel.unacked_key)
    return int(held + sum(channel.client.zcard(key) for key in delayed))
