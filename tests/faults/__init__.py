"""What happens to tasks when something dies: on real servers, with at least 200 on their way."""

import pytest

from tools.generate import choices

BROKERS = [str(broker) for broker in choices()["broker"]]


def on_brokers(first: str, *others: str) -> pytest.MarkDecorator:
    """Run a test on the first broker in `make test`, on the others in `make test-all` only."""
    parameters = [
        pytest.param(
            broker,
            marks=[
                pytest.mark.xdist_group(f"faults on {broker}"),
                *([pytest.mark.exhaustive] if broker != first else []),
            ],
        )
        for broker in (first, *others)
    ]
    return pytest.mark.parametrize("site", parameters, indirect=True)


def on_every_broker(first: str, *others: str) -> pytest.MarkDecorator:
    """Run a test on the first broker in `make test`, on all and the others in `make test-all`.

    Results go to Redis, unless a name such as "redis, django-db" says otherwise.
    """
    return on_brokers(first, *(broker for broker in BROKERS if broker != first), *others)
