"""Takes tasks from Redis so that none is lost on the way to a worker.

kombu's own transport takes a task first, and notes that a worker has it when it has arrived: what
is on its way while the connection breaks, or while the worker dies, is gone. Here, one script does
both. On the same trip, it removes the tasks that are done: so a busy worker goes to Redis once for
each task, where kombu goes four times.

A script cannot wait, so who sends a task also leaves a wake-up, and workers without a task wait for
that. They look for tasks once a second anyway: no task waits for a wake-up that was lost.
"""

# kombu's stubs leave most of this out.
# mypy: disable-error-code="attr-defined, misc"

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty
from time import monotonic, time
from typing import Any

from kombu.transport import redis, virtual
from kombu.utils.encoding import bytes_to_str
from kombu.utils.functional import LRUCache
from kombu.utils.json import dumps, loads
from kombu.utils.objects import cached_property

logger = logging.getLogger(__name__)

# A wake-up that nobody waits for is gone after so many milliseconds.
WAKEUP_EXPIRES = 60_000

SEND = """
redis.call('LPUSH', KEYS[1], ARGV[1])
redis.call('LPUSH', KEYS[2], '')
redis.call('PEXPIRE', KEYS[2], ARGV[2])
"""

# After two keys for what workers have, come each list of messages and its queue's wake-ups; after
# two numbers, the delivery tags of what is done. Returns which list had a message, the message, and
# its delivery tag, if it can be read.
TAKE = """
for i = 3, #ARGV do
    redis.call('HDEL', KEYS[1], ARGV[i])
    redis.call('ZREM', KEYS[2], ARGV[i])
end

local function note(raw)
    local properties = cjson.decode(raw).properties
    local tag, delivery = properties.delivery_tag, properties.delivery_info
    local exchange, key = cjson.encode(delivery.exchange), cjson.encode(delivery.routing_key)
    redis.call('HSET', KEYS[1], tag, '[' .. raw .. ',' .. exchange .. ',' .. key .. ']')
    redis.call('ZADD', KEYS[2], ARGV[1], tag)
    return tag
end

for i = 4, #KEYS, 2 do
    redis.call('DEL', KEYS[i])
end
local taken
for i = 3, #KEYS, 2 do
    local raw = not taken and redis.call('RPOP', KEYS[i])
    if raw then
        local sound, tag = pcall(note, raw)
        taken = {(i - 3) / 2, raw, sound and tag}
    end
    if redis.call('EXISTS', KEYS[i]) == 1 then
        redis.call('LPUSH', KEYS[i + 1], '')
        redis.call('PEXPIRE', KEYS[i + 1], ARGV[2])
    end
end
return taken
"""


class QoS(redis.QoS):
    def append(self, message: Any, delivery_tag: str) -> None:
        if delivery_tag == self.channel.taken:
            virtual.QoS.append(self, message, delivery_tag)
        else:
            super().append(message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        if self.channel.takes_next:
            self.channel.done.append(delivery_tag)
            virtual.QoS.ack(self, delivery_tag)
        else:
            super().ack(delivery_tag)


class Channel(redis.Channel):
    QoS = QoS

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
        return self._create_client()

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

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:
        batch = kwargs.get("_publish_batch")
        if batch:
            super()._put(queue, message, **kwargs)
            batch.add("lpush", self._wakeup(queue), "")
            batch.add("pexpire", self._wakeup(queue), WAKEUP_EXPIRES)
        elif queue in self._expires:
            super()._put(queue, message, **kwargs)
        else:
            priority = self._get_message_priority(message, reverse=False)
            keys = self._script_keys(self._q_for_pri(queue, priority), self._wakeup(queue))
            with self.conn_or_acquire() as client:
                self._send_script(keys=keys, args=[dumps(message), WAKEUP_EXPIRES], client=client)

    @property
    def takes_next(self) -> bool:
        """The event loop is about to look for a task, and does not wait for a wake-up."""
        waits = bool(self._in_poll)
        return bool(self.connection.in_event_loop and self.active_queues) and not waits

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
        wakeups = [self.global_keyprefix + self._wakeup(queue) for queue in self.active_queues]
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
        lists = [(queue, priority) for priority in self.priority_steps for queue in queues]
        keys = [self.unacked_key, self.unacked_index_key]
        for queue, priority in lists:
            keys += [self._q_for_pri(queue, priority), self._wakeup(queue)]
        done, self.done = self.done, []
        with self.conn_or_acquire() as client:
            taken = self._take_script(
                keys=self._script_keys(*keys), args=[time(), WAKEUP_EXPIRES, *done], client=client
            )
        if not taken:
            return False
        place, message, tag = taken
        if not tag:
            logger.error("Dropped an invalid message: %.100r", message)
            return False
        queue, _priority = lists[place]
        self.taken = bytes_to_str(tag)
        self._queue_cycle.rotate(queue)
        self.connection._deliver(loads(bytes_to_str(message)), queue)
        return True

    def close(self) -> None:
        if not self.no_ack:
            # It waits for a wake-up only.
            self._in_poll = None
            while self.done:
                super(QoS, self.qos).ack(self.done.pop())
        super().close()

    def _wakeup(self, queue: str) -> str:
        return f"{queue}{self.sep}wakeup"

    def _script_keys(self, first: str, *others: str) -> list[str]:
        # kombu's client puts the prefix before the first key of a script alone.
        return [first, *(self.global_keyprefix + key for key in others)]

    @cached_property
    def _send_script(self) -> Any:
        return self._create_client().register_script(SEND)

    @cached_property
    def _take_script(self) -> Any:
        return self._create_client().register_script(TAKE)


class Transport(redis.Transport):
    Channel = Channel

    in_event_loop = False

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        before = set(loop.on_tick)
        super().register_with_event_loop(connection, loop)
        own = loop.on_tick - before
        self.other_turns = lambda: loop.on_tick - own
        self.in_event_loop = True


def is_redelivered(request: Any) -> bool:
    """Return whether the broker has delivered this task before."""
    return bool((request.delivery_info or {}).get("redelivered"))


def count_unacknowledged(channel: Any) -> int:
    """Return how many tasks workers hold, also those with a countdown that are not due."""
    return int(channel.client.hlen(channel.unacked_key))
