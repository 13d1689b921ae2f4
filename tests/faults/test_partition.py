"""The network between a worker and the broker parts, and heals."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.faults import on_every_broker
from tests.faults.conftest import Record
from tests.faults.relay import Relay
from tests.faults.site import PROCESSES, Site, SiteWorker

SENT = 200
# Longer than RabbitMQ's heartbeat and Redis' health check allow a connection to be silent.
SECONDS_APART = 45
HERE, THERE = "10.123.45.1", "10.123.45.2"


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


@pytest.fixture
def namespace() -> Iterator[str]:
    """A host of its own, with a cable to this one whose end here is called by the same name."""
    name = f"part{os.getpid()}"
    try:
        ip("netns", "add", name)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        message = f"Network namespaces are needed: run as root, with iproute2 installed ({error})."
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    try:
        ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("address", "add", f"{HERE}/30", "dev", name)
        ip("link", "set", name, "up")
        for words in (f"address add {THERE}/30 dev eth0", "link set eth0 up", "link set lo up"):
            ip("-n", name, *words.split())
        yield name
    finally:
        ip("netns", "delete", name)


class RemoteWorker(SiteWorker):
    """A worker on another host."""

    namespace = ""

    def command(self) -> list[str]:
        ip_netns = [str(shutil.which("ip")), "netns", "exec", self.namespace]
        return [*ip_netns, *super().command()]


@on_every_broker("redis")
def test_the_network_parts(site: Site, namespace: str, nothing_is_lost: Record) -> None:
    ways = {server.port: Relay(server.port, HERE) for server in site.servers}
    for way in ways.values():
        way.start()
    env = dict(site.env)
    for port, way in ways.items():
        env = {
            name: value.replace(f"127.0.0.1:{port}", f"{HERE}:{way.port}")
            for name, value in env.items()
        }
    worker = RemoteWorker(site, "remote", env)
    worker.namespace = namespace
    site.workers.append(worker)
    worker.start()
    site.send("work", 0.1)
    site.wait_for_finished(20)
    site.wait_for_running()
    fault = time.time()
    ip("link", "set", namespace, "down")
    time.sleep(SECONDS_APART)
    ip("link", "set", namespace, "up")
    site.wait_for_finished(SENT)
    nothing_is_lost(SENT, fault, repeats=2 * PROCESSES)
    for way in ways.values():
        way.cut()
