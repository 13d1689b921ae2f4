"""A network partition between a worker and its servers."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from ipaddress import ip_address
from typing import NamedTuple

import pytest

from tests.faults import BROKERS, on_brokers, on_every_broker
from tests.faults.conftest import Record
from tests.faults.relay import Relay
from tests.faults.site import PROCESSES, Site, SiteWorker
from tools.servers.server import FIRST_PORT, free_port

SENT = 400
# Longer than RabbitMQ's heartbeat and Redis' health check allow a connection to be silent.
SECONDS_APART = 45


class Cable(NamedTuple):
    """A link to a second host. Its name is also that of the local interface."""

    name: str
    here: str
    there: str


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


@pytest.fixture
def cable() -> Iterator[Cable]:
    """Connect a second host, with a name and addresses that no other run uses."""
    number = free_port()
    # A network of four addresses in the range that is reserved for benchmarks.
    network = ip_address("198.18.0.0") + 4 * (number - FIRST_PORT)
    cable = Cable(name := f"part{number}", str(network + 1), str(network + 2))
    # A killed run may have left it behind.
    subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
    try:
        ip("netns", "add", name)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        message = f"Run as root with iproute2 installed: network namespaces are needed ({error})."
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    try:
        ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("address", "add", f"{cable.here}/30", "dev", name)
        ip("link", "set", name, "up")
        ip("-n", name, "address", "add", f"{cable.there}/30", "dev", "eth0")
        for end in ("eth0", "lo"):
            ip("-n", name, "link", "set", end, "up")
        yield cable
    finally:
        ip("netns", "delete", name)


class RemoteWorker(SiteWorker):
    """A worker on another host."""

    namespace = ""

    def command(self) -> list[str]:
        ip_netns = [str(shutil.which("ip")), "netns", "exec", self.namespace]
        return [*ip_netns, *super().command()]


@on_every_broker()
def test_a_network_partition(site: Site, cable: Cable, nothing_is_lost: Record) -> None:
    ways = {server.port: Relay(server.port, cable.here) for server in site.servers}
    for way in ways.values():
        way.start()
    site.hold(SENT)
    env = dict(site.env)
    for port, way in ways.items():
        env = {
            name: value.replace(f"127.0.0.1:{port}", f"{cable.here}:{way.port}")
            for name, value in env.items()
        }
    worker = RemoteWorker(site, "remote", env)
    worker.namespace = cable.name
    site.workers.append(worker)
    site.send("work", 0.1, count=SENT)
    worker.start()
    site.wait_for_finished(20)
    site.wait_for_running()
    fault = time.time()
    ip("link", "set", cable.name, "down")
    site.release()
    time.sleep(SECONDS_APART)
    ip("link", "set", cable.name, "up")
    site.wait_for_finished(SENT)
    nothing_is_lost(SENT, fault, repeats=2 * PROCESSES)
    for way in ways.values():
        way.cut()


@on_every_broker()
def test_a_connection_breaks_when_a_task_has_just_started(site: Site) -> None:
    """The worker does not know yet that the task runs. It stops it, or lets it go on."""
    site.relay.start()
    site.env["CELERY_BROKER_URL"] = site.broker_url("127.0.0.1", site.relay.port)
    end = site.folder / "end"
    accepted = site.folder / "accepted"
    worker = site.start_worker(PAUSE="yes", ACCEPT_LATE=str(accepted))
    site.send("hold", str(end), count=1)
    site.wait_until(accepted.exists, "a process has accepted the task")
    site.relay.cut()
    # Well before its lease ends: the task would run elsewhere.
    worker.thaw()
    site.relay.start()
    site.send("work", 0, count=1, first=1)

    site.wait_for_finished(1)
    end.touch()
    site.wait_for_finished(2)
    site.wait_until_nothing_is_queued()
    assert site.count("finished")[0] == 1


@on_brokers(BROKERS[0])
def test_a_connection_breaks_when_a_task_has_just_ended(site: Site) -> None:
    """The worker does not know yet that the task ran. It acknowledges it later.

    On other brokers, such a task runs again.
    """
    site.relay.start()
    site.env["CELERY_BROKER_URL"] = site.broker_url("127.0.0.1", site.relay.port)
    accepted = site.folder / "accepted"
    worker = site.start_worker(PAUSE="yes", ACCEPT_LATE=str(accepted))
    site.send("work", 0, count=1)
    site.wait_until(accepted.exists, "a process has accepted the task")
    site.relay.cut()
    site.relay.start()
    worker.thaw()
    site.wait_for_finished(1)
    connected = "Connected to"
    site.wait_until(lambda: worker.log.read_text().count(connected) >= 2, "it is connected again")
    site.wait_until_nothing_is_queued()
    assert site.started_once(0)
