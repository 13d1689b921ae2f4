"""What happens to tasks when something dies: on real servers, with at least 200 on their way."""

import pytest

BROKERS = ["redis", "rabbitmq", "pgmq", "sqs"]


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


def on_every_broker(first: str) -> pytest.MarkDecorator:
    """Run a test on the first broker in `make test`, on all in `make test-all`."""
    return on_brokers(first, *(broker for broker in BROKERS if broker != first))
