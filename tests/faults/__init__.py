"""Fault injection on real servers, with at least 200 tasks in flight."""

import pytest

from tools.generate import choices, facts

BROKERS = [str(broker) for broker in choices()["broker"]]
RESULTS = {
    str(name): facts({"result_backend": name}).result for name in choices()["result_backend"]
}
# The default result backend, on its own server.
OWN_SERVER = next(name for name, known in RESULTS.items() if known.services)
# Result backends in Django's database.
IN_DATABASE = [
    name for name, known in RESULTS.items() if known.results_retrievable and not known.services
]


def on_brokers(*brokers: str, exhaustive: bool = True) -> pytest.MarkDecorator:
    """Run a test on these brokers. If exhaustive, only in `make test-all`."""
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
    """Run a test on each broker and on these others.

    A name such as "rabbitmq, django-db" also sets the result backend. The default is `OWN_SERVER`.
    """
    return on_brokers(*BROKERS, *others, exhaustive=exhaustive)
