"""Measure the limits of the servers without Celery: `make limits`.

The figures of `make compare` are a share of these.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import redis
from kombu.connection import Connection

from benchmarks.page import show, write
from tools.servers import SERVERS, MissingServer, Server
from tools.servers.server import HOST

COUNT = 20_000
# As long as the message of a task without arguments.
BODY = json.dumps([[], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}])
MESSAGE = {"body": BODY, "headers": {"lang": "py", "task": "reports.tasks.send_report" * 20}}
QUEUE = "limits"


def main(arguments: Sequence[str]) -> int:
    """Measure each, print a table, and return the exit code."""
    if arguments:
        print(f"{arguments[0]!r:.200} is not an option: there are none.", file=sys.stderr)
        return 1
    figures = {"JSON: a message of a task, encoded": rate(encode, COUNT)}
    try:
        with tempfile.TemporaryDirectory(prefix="limits-") as name:
            with SERVERS["redis"](Path(name, "redis")) as server:
                for pipeline in (1, 100):
                    text = f"Redis: `LPUSH`, {pipeline} at a time"
                    figures[text] = lpush(server, pipeline)
                figures["Redis: popped and decoded, by bare Python"] = pop(server)
            with SERVERS["rabbitmq"](Path(name, "rabbitmq")) as server:
                for kind in ("classic", "quorum"):
                    for confirm in (False, True):
                        text = f"RabbitMQ: published, {kind} queue{', confirmed' * confirm}"
                        figures[text] = publish(server, kind, confirm=confirm)
    except (MissingServer, RuntimeError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    rows = [["", "a second"], *([what, f"{number:,.0f}"] for what, number in figures.items())]
    show(rows)
    write("make limits", rows, f"one connection, {os.cpu_count()} CPUs, {platform.system()}")
    return 0


def encode(count: int) -> None:
    for _ in range(count):
        json.dumps(MESSAGE)


def lpush(server: Server, pipeline: int) -> float:
    """Return the messages that redis-benchmark pushes in a second, over one connection."""
    program = shutil.which("redis-benchmark") or shutil.which("valkey-benchmark")
    if not program:
        raise MissingServer("redis-benchmark is not installed: run `apt-get install redis-tools`")
    address = ["-h", HOST, "-p", str(server.port), "-c", "1", "-P", str(pipeline)]
    command = [program, *address, "-n", str(COUNT), "LPUSH", QUEUE, json.dumps(MESSAGE)]
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return COUNT / (time.perf_counter() - start)


def pop(server: Server) -> float:
    """Return the messages that a plain client takes from a list and decodes in a second."""
    with redis.Redis(HOST, server.port) as client:

        def run(count: int) -> None:
            for _ in range(count):
                _queue, message = client.brpop(QUEUE)
                json.loads(message)

        return rate(run, COUNT)


def publish(server: Server, kind: str, *, confirm: bool) -> float:
    """Return the messages that a plain AMQP client publishes in a second."""
    url = f"amqp://guest:guest@{HOST}:{server.port}//"
    options = {"confirm_publish": confirm}
    with Connection(url, transport_options=options) as connection:
        channel = connection.default_channel
        queue = f"{QUEUE}-{kind}-{confirm}"
        channel.queue_declare(
            queue, durable=True, auto_delete=False, arguments={"x-queue-type": kind}
        )
        body = json.dumps(MESSAGE)

        def send(count: int) -> None:
            for _ in range(count):
                message = channel.prepare_message(
                    body, content_encoding="utf-8", properties={"delivery_mode": 2}
                )
                channel.basic_publish(message, exchange="", routing_key=queue)

        return rate(send, COUNT // 10)


def rate(function: Callable[[int], None], count: int) -> float:
    start = time.perf_counter()
    function(count)
    return count / (time.perf_counter() - start)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
