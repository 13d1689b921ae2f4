"""What happens to tasks when something dies: on real servers, with at least 200 on their way."""

import pytest

from tools.generate import choices

BROKERS = [str(broker) for broker in choices()["broker"]]


def on_brokers(*brokers: str, exhaustive: bool = True) -> pytest.MarkDecorator:
    """Run a test on these brokers, in `make test-all` only unless it is not exhaustive."""
    parameters = [
        pytest.param(
            broker,
            marks=[
                pytest.mark.xdist_group(f"faults on {broker}"),
                *([pytest.mark.exhaustive] if exhaustive else []),
            ],
        )
        for broker in brokers
    ]
    return pytest.mark.parametrize("site", parameters, indirect=True)


def on_every_broker(*others: str, exhaustive: bool = True) -> pytest.MarkDecorator:
    """Run a test on each broker, and on others.

    Results go to Redis, unless a name such as "redis, django-db" says otherwise.
    """
    return on_brokers(*BROKERS, *others, exhaustive=exhaustive)
