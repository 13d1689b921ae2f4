"""RabbitMQ as a test server."""

from pathlib import Path

import pytest

from tools.servers import SERVERS, MissingServer, rabbitmq


def test_a_missing_server_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rabbitmq, "PROGRAMS", ["no-such-program"])
    with pytest.raises(MissingServer, match="apt-get install rabbitmq-server"):
        SERVERS["rabbitmq"](tmp_path)
