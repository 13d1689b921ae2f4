"""Delivery on Redis: no task is lost between the broker and a worker."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from celery import Celery
from celery.worker import state
from kombu import Connection, Consumer, Message, Producer, Queue
from kombu.asynchronous import Hub

from task_queue.broker import count_unacknowledged, renew
from task_queue.models import DeadLetter
from tests import Notes, Process, wait_until
from tests.tasks import add, record

QUEUE = Queue("handover", routing_key="handover")


@pytest.fixture
def waiting(celery: Celery) -> Iterator[Connection]:
    """Return a connection that has asked for a message and never reads the answer."""
    with celery.connection_for_read() as connection:
        Consumer(connection, [QUEUE]).consume()
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=0.1)
        yield connection


@pytest.mark.usefixtures("waiting")
def test_a_worker_that_no_longer_reads_loses_no_task(celery: Celery) -> None:
    with celery.producer_or_acquire() as producer:
        producer.publish("text", exchange="", routing_key=QUEUE.name)
    assert receive(celery) == "text"


class Started:
    """A task that has just started in the pool."""

    def __init__(self, message: Message) -> None:
        self.message = message


def test_a_task_that_starts_while_the_worker_terminates_is_requeued(
    celery: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[Message] = []
    with celery.producer_or_acquire() as producer:
        producer.publish("text", exchange="", routing_key=QUEUE.name)
    with celery.connection_for_read() as connection:
        Consumer(connection, [QUEUE], on_message=received.append).consume()
        while not received:
            drained(connection)
        monkeypatch.setattr(state, "active_requests", {Started(received[0])})
        monkeypatch.setattr(state, "should_terminate", 0)
    assert receive(celery) == "text"


HELD = {"delivery_tag": "1", "delivery_info": {}}
ROUTE = {"exchange": "", "routing_key": "default"}
FOREIGN = [
    "garbage",
    "\udcff",
    {"properties": None},
    {"properties": HELD | {"delivery_info": "there"}},
    {"properties": HELD | {"body_encoding": "base64"}, "body": "not base64"},
    {"properties": HELD | {"body_encoding": "of another world"}, "body": "text"},
    {"properties": {"delivery_tag": {}, "delivery_info": ROUTE}},
    {"properties": {"delivery_tag": "\udcff", "delivery_info": ROUTE}},
    {"properties": HELD, "headers": []},
    {"properties": HELD, "headers": {"id": {"__type__": "foo", "__value__": 1}}},
    {"properties": HELD, "headers": {"id": {"__type__": "decimal", "__value__": "x"}}},
    {"properties": HELD, "headers": {"task": "\0\udcff"}},
    {"properties": HELD | {"delivery_info": ROUTE}, "headers": {"task": "x"}, "body": "\udcff"},
]


@pytest.mark.django_db(transaction=True)
def test_foreign_messages_become_dead_letters(
    celery: Celery, worker: Process, notes: Notes
) -> None:
    texts = [each if isinstance(each, str) else json.dumps(each) for each in FOREIGN]
    with celery.connection_for_write() as connection, connection.channel() as channel:
        client: Any = channel.client  # type: ignore[attr-defined]  # Redis's own
        client.rpush("default", *[text.encode(errors="surrogateescape") for text in texts])
        wait_until(lambda: DeadLetter.objects.count() == len(texts), "a dead letter for each")
        record.delay("goes on", notes.path)
        assert notes.wait() == ["goes on"]
        wait_until(lambda: count_unacknowledged(channel) == 0, "no unacknowledged task")
    assert not worker.ended


@pytest.mark.django_db(transaction=True)
def test_a_foreign_broadcast_ends_no_worker(celery: Celery, worker: Process, notes: Notes) -> None:
    with celery.connection_for_write() as connection, connection.channel() as channel:
        client: Any = channel.client  # type: ignore[attr-defined]  # Redis's own
        [number] = re.findall(r"/(\d+)", connection.as_uri()) or ["0"]
        for address in ("broadcast/default", "celery.pidbox"):
            for text in ("1", "{}", '{"properties": {"delivery_tag": {}, "delivery_info": {}}}'):
                publish = partial(client.publish, f"/{number}.{address}", text)
                # The worker may not listen yet. Redis returns the number of its listeners.
                wait_until(publish, "the worker to receive it")
        record.delay("goes on", notes.path)
        assert notes.wait() == ["goes on"]
    assert not worker.ended


@contextmanager
def received(celery: Celery, count: int, *queues: Queue) -> Iterator[list[Message]]:
    """Hold messages of queues until the block ends, then requeue them."""
    messages: list[Message] = []
    with celery.connection_for_read() as connection:
        Consumer(connection, queues, on_message=messages.append).consume()
        wait_until(lambda: not drained(connection) and len(messages) == count, "the messages")
        yield messages


def requeue_expired(channel: Any) -> None:
    """Requeue all messages, as a worker does with those of a dead one."""
    channel.qos.restores_from = 0
    channel.qos.visibility_timeout = 0
    renew(channel, [])


def test_a_malformed_message_is_requeued_unchanged_and_frees_its_place(celery: Celery) -> None:
    with celery.connection_for_write() as connection, connection.channel() as channel:
        client: Any = channel.client  # type: ignore[attr-defined]  # Redis's own
        client.rpush(QUEUE.name, "garbage")
        with received(celery, 1, QUEUE) as [message]:
            qos = message.channel.qos  # type: ignore[union-attr]
            qos.prefetch_count = 1
            assert not qos.can_consume()
            message.requeue()
            assert qos.can_consume()
        assert client.rpop(QUEUE.name) == b"garbage"
        assert count_unacknowledged(channel) == 0


@pytest.fixture
def topics(celery: Celery) -> Iterator[list[Queue]]:
    """Return two queues of the same topic, which are deleted at the end."""
    exchange = celery.amqp.queues["default"].exchange
    queues = [Queue(name, exchange, routing_key="audit.#") for name in ("audit", "archive")]
    with celery.connection_for_write() as connection, connection.channel() as channel:
        bound = [queue(channel) for queue in queues]
        for queue in bound:
            queue.declare()
        yield queues
        for queue in bound:
            queue.delete()


def test_a_dead_workers_task_returns_to_its_queue_whatever_its_topic(
    celery: Celery, topics: list[Queue]
) -> None:
    with celery.producer_or_acquire() as producer:
        producer.publish("text", exchange=topics[0].exchange, routing_key="audit.it")
    with received(celery, 2, *topics), celery.connection_for_write() as connection:
        # This connection knows no exchange, like that of the thread which renews leases.
        requeue_expired(connection.default_channel)
        for queue in topics:
            again = receive_one(celery, queue)
            assert (again.payload, again.delivery_info["redelivered"]) == ("text", True)
        assert count_unacknowledged(connection.default_channel) == 0


def test_the_copies_of_a_message_in_two_queues_are_kept_apart(
    celery: Celery, topics: list[Queue]
) -> None:
    with celery.producer_or_acquire() as producer:
        producer.publish("text", exchange=topics[0].exchange, routing_key="audit.it")
    with celery.connection_for_write() as connection:
        channel: Any = connection.default_channel
        with received(celery, 2, *topics) as messages:
            assert count_unacknowledged(channel) == 2
            messages[0].ack()
            renew(channel, [])
            assert count_unacknowledged(channel) == 1
    assert receive_one(celery, *topics).payload == "text"


def test_a_busy_queue_does_not_starve_another(celery: Celery) -> None:
    queues = [Queue(name, routing_key=name) for name in ("busy", "rare")]
    taken: list[str] = []

    def take(message: Message) -> None:
        taken.append(message.payload)
        message.ack()

    with celery.producer_or_acquire() as producer:
        for name in 12 * ["busy"] + 3 * ["rare"]:
            producer.publish(name, exchange="", routing_key=name)
    with celery.connection_for_read() as connection:
        consumer = Consumer(connection, queues, on_message=take)
        consumer.qos(prefetch_count=1)
        consumer.consume()
        wait_until(lambda: not drained(connection) and len(taken) == 15, "the messages")
    assert taken[:6].count("rare") == 3


def test_a_sender_remembers_the_bindings_that_redis_has_lost(celery: Celery) -> None:
    """Redis may have been flushed, or was too full for them."""
    queue = celery.amqp.queues["default"]
    with celery.connection_for_write() as connection:
        channel: Any = connection.default_channel
        queue(channel).declare()
        key = channel.keyprefix_queue % queue.exchange.name
        bindings = channel.client.smembers(key)
        channel.client.delete(key)
        try:
            assert channel._lookup(queue.exchange.name, queue.routing_key) == {queue.name}
        finally:
            channel.client.sadd(key, *bindings)


@pytest.mark.usefixtures("worker")
def test_a_killed_worker_leaves_no_binding_behind(celery: Celery) -> None:
    with celery.connection_for_write() as connection, connection.channel() as channel:
        client: Any = channel.client  # type: ignore[attr-defined]  # Redis's own
        assert client.smembers("_kombu.binding.tasks")
        assert client.smembers("_kombu.binding.broadcast") == set()


@pytest.mark.django_db(transaction=True)
def test_a_redis_that_refuses_writes_ends_no_worker(
    celery: Celery, worker: Process, notes: Notes
) -> None:
    """Redis refuses writes while its disk is full, or too few replicas answer."""
    with celery.connection_for_write() as connection, connection.channel() as channel:
        client: Any = channel.client  # type: ignore[attr-defined]  # Redis's own
        written = len(worker.log.read_text())
        client.config_set("min-replicas-to-write", 1)
        try:
            # The worker reconnects, or exits with an error.
            wait_until(lambda: "ResponseError" in worker.log.read_text()[written:], "an error")
            wait_until(lambda: "Connected to" in worker.log.read_text()[written:] or worker.ended)
        finally:
            client.config_set("min-replicas-to-write", 0)
    record.delay("goes on", notes.path)
    assert notes.wait() == ["goes on"]
    assert not worker.ended


def test_a_task_that_cannot_be_acknowledged_now_is_acknowledged_later(
    celery: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With gevent, many tasks that end together may exhaust the connection pool."""

    def no_connection(*args: Any, **kwargs: Any) -> None:
        raise ConnectionError("too many connections")

    with celery.connection_for_write() as connection:
        channel: Any = connection.default_channel
        queue = QUEUE(channel)
        queue.declare()
        Producer(channel).publish("text", routing_key=queue.name)
        message: Any = queue.get()
        assert count_unacknowledged(channel) == 1
        with monkeypatch.context() as patch:
            patch.setattr(channel, "run", no_connection)
            message.ack()
        renew(channel, [])
        assert count_unacknowledged(channel) == 0


def test_a_task_that_is_not_due_is_kept_and_can_be_purged(celery: Celery) -> None:
    with celery.connection_for_write() as connection, connection.channel() as channel:
        before = count_unacknowledged(channel)
        with celery.producer_or_acquire() as producer, producer.batch():
            add.apply_async((1, 1), countdown=3600, producer=producer)
        add.apply_async((1, 1), countdown=3600, priority=9)
        assert count_unacknowledged(channel) == before + 2
        celery.control.purge(connection)
        assert count_unacknowledged(channel) == before


@pytest.mark.usefixtures("worker")
def test_a_task_with_an_unreadable_header_runs(notes: Notes) -> None:
    record.apply_async(("text", notes.path), headers={"from": "\udcff"})
    assert notes.wait() == ["text"]


class Pool:
    """A stand-in for Celery's pool, which looks for tasks once in each turn of the event loop."""

    def __init__(self, taken: list[Message]) -> None:
        self.taken = taken
        self.saw = 0

    def look(self) -> None:
        self.saw = len(self.taken)


def test_the_pool_sees_a_task_in_the_turn_that_receives_it(celery: Celery) -> None:
    taken: list[Message] = []
    # The loop has no fixed order: some run before the task is received, some after.
    pools = [Pool(taken) for _ in range(20)]
    hub = Hub()
    hub.on_tick.update(pool.look for pool in pools)  # type: ignore[attr-defined]

    def goes_round() -> bool:
        hub.run_once()
        return bool(taken)

    with (
        celery.connection_for_read() as connection,
        Consumer(connection, [QUEUE], on_message=taken.append),
    ):
        connection.register_with_event_loop(hub)
        with celery.producer_or_acquire() as producer:
            producer.publish("text", exchange="", routing_key=QUEUE.name)
        wait_until(goes_round, what="a message")
        assert {pool.saw for pool in pools} == {1}
        taken[0].ack()


def receive_one(celery: Celery, *queues: Queue) -> Message:
    """Receive and acknowledge the only message of queues."""
    with received(celery, 1, *queues) as [message]:
        message.ack()
    return message


def receive(celery: Celery) -> object:
    """Receive the next message as a worker does, and return its payload."""
    received = []

    def note(message: Message) -> None:
        message.ack()
        received.append(message.payload)

    with (
        celery.connection_for_read() as connection,
        Consumer(connection, [QUEUE], on_message=note),
    ):
        wait_until(lambda: drained(connection), what="a message")
    return received[0]


def drained(connection: Connection) -> bool:
    """Return whether a message arrived within a second."""
    try:
        connection.drain_events(timeout=1)
    except TimeoutError:
        return False
    return True
