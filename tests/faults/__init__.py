"""What happens to tasks when something dies: on real servers, with at least 200 on their way."""

import pytest

from tools.generate import choices, facts

BROKERS = [str(broker) for broker in choices()["broker"]]
RESULTS = {
    str(name): facts({"result_backend": name}).result for name in choices()["result_backend"]
}
# Where results go unless a test says otherwise: to a server of their own.
OWN_SERVER = next(name for name, known in RESULTS.items() if known.services)
# Those that any process can read in Django's database.
IN_DATABASE = [
    name for name, known in RESULTS.items() if known.results_retrievable and not known.services
]


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

    Results go to `OWN_SERVER`, unless a name such as "rabbitmq, django-db" says otherwise.
    """
    return on_brokers(*BROKERS, *others, exhaustive=exhaustive)
