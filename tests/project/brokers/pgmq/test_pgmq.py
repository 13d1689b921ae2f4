"""Dead letters, delays, leases and concurrency on PGMQ."""

import json
import logging
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from django.db import connection as database
from django.db import transaction
from kombu import Producer, Queue
from psycopg import DataError, OperationalError

from task_queue.broker import count_unacknowledged, renew
from task_queue.doctor import count_waiting
from task_queue.models import DeadLetter
from tests import SECONDS, Notes, Process, wait_until
from tests.tasks import record

pytestmark = pytest.mark.django_db(transaction=True)
logger = logging.getLogger(__name__)


def send(celery: Celery, message: Any) -> None:
    """Send a message that kombu would not send."""
    queue = celery.amqp.queues["default"]
    with celery.connection_for_write() as connection:
        channel: Any = connection.default_channel
        channel.pgmq.send(channel._queue_name(queue.name), message)


@pytest.mark.usefixtures("celery")
def test_what_postgresql_cannot_store_is_an_error_of_the_sender() -> None:
    """It is not sent again and again, as if the broker were down."""
    with pytest.raises(DataError):
        record.apply_async(("text", "/dev/null"), headers={"tenant": "\0"})
    # The connection still works.
    record.delay("text", "/dev/null")


@pytest.mark.parametrize(
    "message",
    [
        {"text": "hello"},
        {"properties": None},
        {"properties": {"delivery_info": 1}},
        {"properties": {"delivery_tag": "1", "body_encoding": "base64"}, "body": "x"},
        {"properties": {"delivery_tag": "1", "body_encoding": "none"}, "body": "x"},
        {"properties": {"delivery_tag": []}, "headers": 1},
        ["no", "object"],
        "text",
        1,
        None,
    ],
    ids=str,
)
def test_a_foreign_message_becomes_a_dead_letter(
    message: Any, celery: Celery, worker: Process, notes: Notes
) -> None:
    send(celery, message)
    wait_until(DeadLetter.objects.exists, "a dead letter")
    record.delay("goes on", notes.path)
    assert notes.wait() == ["goes on"]
    assert not worker.ended


@pytest.mark.usefixtures("worker")
def test_a_message_without_a_body_keeps_an_empty_body(celery: Celery) -> None:
    send(celery, {"properties": {"delivery_tag": "1"}})
    wait_until(DeadLetter.objects.exists, "a dead letter")
    assert json.loads(DeadLetter.objects.get().signature)["body"] == ""


def test_a_number_beyond_the_limits_of_python_becomes_a_dead_letter(
    celery: Celery, worker: Process
) -> None:
    with celery.connection_for_write() as connection:
        channel: Any = connection.default_channel
        queue = channel._queue_name(celery.amqp.queues["default"].name)
        with channel.pgmq.pool.connection() as database:
            database.execute("SELECT pgmq.send(%s, %s::jsonb)", (queue, "1" * 5000))
    wait_until(DeadLetter.objects.exists, "a dead letter")
    assert not worker.ended


def test_queues_can_be_declared_concurrently(celery: Celery) -> None:
    def declare(_: int) -> None:
        with celery.connection_for_write() as connection:
            queue = celery.amqp.queues["default"](connection.default_channel)
            for _ in range(20):
                queue.declare()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(declare, range(4)))


@pytest.mark.usefixtures("worker")
def test_a_worker_that_stopped_while_reading_blocks_no_sender(celery: Celery, notes: Notes) -> None:
    def start_and_send() -> None:
        with celery.connection_for_write() as connection:
            amqp: Any = celery.amqp
            # As a starting worker does.
            with amqp.TaskConsumer(connection.default_channel):
                options: Any = {"connection": connection}
                record.apply_async(("sent", notes.path), **options)

    with ThreadPoolExecutor(1) as threads, transaction.atomic(), database.cursor() as cursor:
        # As pgmq.read does.
        table = celery.amqp.queues["default"].name
        cursor.execute(f"LOCK TABLE pgmq.q_{table} IN ROW EXCLUSIVE MODE")
        threads.submit(start_and_send).result(SECONDS)
    assert notes.wait() == ["sent"]


def rows(channel: Any, queue: str) -> list[Any]:
    """Return the read count of each message in a queue, and the time until it is visible."""
    with channel.pgmq.pool.connection() as connection:
        query = f"SELECT read_ct, vt - clock_timestamp() FROM pgmq.q_{queue}"  # noqa: S608
        found: list[Any] = connection.execute(query).fetchall()
        return found


def test_the_database_keeps_a_task_that_is_not_due(
    celery: Celery, worker: Process, notes: Notes
) -> None:
    record.apply_async(("later", notes.path), countdown=86400)
    record.delay("now", notes.path)
    assert notes.wait() == ["now"]
    with celery.connection_for_write() as connection:
        channel: Any = connection.default_channel
        queue = channel._queue_name(celery.amqp.queues["default"].name)
        wait_until(lambda: len(rows(channel, queue)) == 1)
        [(reads, wait)] = rows(channel, queue)
        assert not any(count_waiting().values())
        assert count_unacknowledged(channel) == 1
    celery.control.purge()
    assert reads == 0
    assert timedelta(seconds=86000) < wait < timedelta(seconds=86400)


def test_neither_a_delay_nor_a_renewed_lease_counts_as_a_delivery(celery: Celery) -> None:
    with celery.connection_for_write() as connection:
        channel: Any = connection.default_channel
        queue = Queue("leases", channel=channel)
        queue.declare()
        due = datetime.now(UTC) + timedelta(days=1)
        Producer(channel).publish({}, routing_key=queue.name, headers={"eta": due.isoformat()})
        assert queue.get() is None
        # Simulate that a day passes.
        channel.pgmq.set_vt(queue.name, 1, 0)
        message: Any = queue.get()
        channel.visibility_timeout = 3600
        for _ in range(3):
            renew(channel, [message])
        [(reads, lease)] = rows(channel, queue.name)
        assert reads == 1
        assert lease > timedelta(seconds=3000)
        message.ack()
        renew(channel, [message])
        assert rows(channel, queue.name) == []
        queue.delete()


@pytest.mark.parametrize("cuts", [1, 2])
@pytest.mark.parametrize("finish", ["ack", "requeue"])
def test_a_cut_connection_costs_no_slot(
    finish: str, cuts: int, celery: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool replaces a cut connection. After a second cut, the lease ends by itself."""
    with celery.connection_for_write() as connection:
        channel: Any = connection.default_channel
        queue = Queue("cuts", channel=channel)
        queue.declare()
        queue.purge()
        try:
            channel.qos.prefetch_count = 1
            Producer(channel).publish({}, routing_key=queue.name)
            message: Any = queue.get()
            assert not channel.qos.can_consume()
            command = "delete" if finish == "ack" else "set_vt"
            with monkeypatch.context() as patch:
                sql = getattr(channel.pgmq, command)
                left = iter([True] * cuts)

                def run(*args: Any) -> Any:
                    if next(left, False):
                        raise OperationalError("the connection is closed")
                    return sql(*args)

                patch.setattr(channel.pgmq, command, run)
                if finish == "ack":
                    message.ack_log_error(logger, connection.connection_errors)
                else:
                    message.reject_log_error(logger, connection.connection_errors, requeue=True)
            assert channel.qos.can_consume()
            assert len(rows(channel, queue.name)) == (0 if finish == "ack" and cuts == 1 else 1)
        finally:
            queue.delete()


def test_a_task_that_cannot_be_requeued_now_stays_in_the_database(
    celery: Celery, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By default, kombu writes it to a temporary file."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def fail(*args: Any) -> None:
        raise OperationalError("the database is down")

    with celery.connection_for_write() as connection:
        queue = Queue("closing", channel=connection.default_channel)
        queue.declare()
        try:
            channel: Any = connection.channel()
            Producer(channel).publish({}, routing_key=queue.name)
            assert queue(channel).get()
            with monkeypatch.context() as patch:
                patch.setattr(channel.pgmq, "set_vt", fail)
                channel.close()
            assert list(tmp_path.iterdir()) == []
            assert len(rows(connection.default_channel, queue.name)) == 1
        finally:
            queue.delete()


def test_a_task_that_outlived_its_channel_can_be_rejected(celery: Celery) -> None:
    with celery.connection_for_write() as connection:
        channel: Any = connection.default_channel
        channel.basic_reject("of another channel", requeue=True)
