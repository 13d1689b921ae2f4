"""Access rights in RabbitMQ."""

import json
import re
import shlex
from pathlib import Path

import pytest
from kombu.connection import Connection

from tests.helpers.make import run
from tests.helpers.running import REMOTE_CONTROL, use_all
from tools.generate import generate
from tools.servers.rabbitmq import RabbitMQ
from tools.servers.server import HOST
from tools.trial.processes import python


class Shared(RabbitMQ):
    """A RabbitMQ server with a virtual host and a user with limited rights."""

    def __init__(self, folder: Path, **rights: str) -> None:
        super().__init__(folder)
        definitions = {
            "users": [{"name": "user", "password": "RANDOM", "tags": []}],
            "vhosts": [{"name": "shop"}],
            "permissions": [{"user": "user", "vhost": "shop", **rights}],
        }
        file = folder / "definitions.json"
        file.write_text(json.dumps(definitions))
        (folder / "rabbitmq.conf").write_text(f"load_definitions = {file}\n")


@pytest.mark.exhaustive
@pytest.mark.parametrize("result_backend", ["django-db", "rpc"])
def test_a_user_needs_no_more_rights_than_the_docs_say(result_backend: str, tmp_path: Path) -> None:
    project = generate(
        {
            "project_slug": "my_shop",
            "broker": "rabbitmq",
            "result_backend": result_backend,
            "demo": False,
        },
        tmp_path,
    )
    run(project, "uv", "sync", "--quiet")
    run(project, python(project), "manage.py", "migrate", "--verbosity", "0")
    text = (project / "docs/broker.md").read_text().replace("\\\n", "")
    [said] = re.findall(r"^rabbitmqctl set_permissions --vhost shop user (.+)$", text, re.MULTILINE)
    configure, write, read = shlex.split(said)
    if result_backend == "rpc":
        each, second = re.findall(r"`([|]\^.+?)`", text)
        configure, write, read = configure + each, write + each + second, read + each
    with Shared(tmp_path / "rabbitmq", configure=configure, write=write, read=read) as server:
        url = f"amqp://user:RANDOM@{HOST}:{server.port}/shop"
        use_all(project, tmp_path / "log", REMOTE_CONTROL, CELERY_BROKER_URL=url)
        assert "access_refused" not in server.log.read_text()
        with Connection(url) as connection:
            refused = connection.connection_errors + connection.channel_errors
            with pytest.raises(refused, match="ACCESS_REFUSED"):
                connection.SimpleQueue("another.default")
