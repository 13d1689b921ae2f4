"""RabbitMQ, in containers."""

from functools import partial
from urllib.parse import urlsplit

import pytest

from tests.helpers.rendered import Composed, Word, needs

# One process renders everything, to reuse compiled templates.
pytestmark = pytest.mark.xdist_group("rendering")

WORD = Word(r"(?i)quorum|erlang", partial(needs, "rabbitmq"))


def test_rabbitmq_keeps_its_data_and_has_a_management_page(composed: list[Composed]) -> None:
    seen = 0
    for _, development, production in composed:
        for found in (development, production):
            if "rabbitmq" in found:
                seen += 1
                assert "-management" in found["rabbitmq"]["image"]
                assert found["rabbitmq"]["hostname"] == "rabbitmq"
                (volume,) = found["rabbitmq"]["volumes"]
                assert volume["target"] == "/var/lib/rabbitmq"
        if "rabbitmq" in development:
            ports = {port["target"] for port in development["rabbitmq"]["ports"]}
            assert ports == {5672, 15672}
    assert seen


def test_in_production_processes_have_the_password_of_rabbitmq(composed: list[Composed]) -> None:
    found = [production for _, _, production in composed if "rabbitmq" in production]
    assert found
    for production in found:
        server = production["rabbitmq"]["environment"]
        url = urlsplit(production["worker"]["environment"]["CELERY_BROKER_URL"])
        assert url.username == server["RABBITMQ_DEFAULT_USER"]
        assert url.password == server["RABBITMQ_DEFAULT_PASS"]
