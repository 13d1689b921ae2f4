"""Amazon SQS, and its stand-in for development."""

from functools import partial
from typing import Any

import pytest

from tests.helpers.rendered import Composed, Word, by_kind, needs
from tools.combinations import Combination

# One process renders everything, to reuse compiled templates.
pytestmark = pytest.mark.xdist_group("rendering")

WORD = Word(r"(?i)\baws|amazon|boto|moto|elasticmq", partial(needs, "sqs"))


def test_in_production_sqs_is_polled_as_rarely_as_possible(composed: list[Composed]) -> None:
    asked = {
        production["worker"]["environment"]["SQS_WAIT_TIME"]
        for answers, _, production in composed
        if answers["broker"] == "sqs"
    }
    assert asked == {"20"}


def test_pods_have_the_role_that_grants_access(
    deployed: list[tuple[Combination, list[Any]]],
) -> None:
    roles: dict[bool, set[str]] = {True: set(), False: set()}
    for answers, objects in deployed:
        found = by_kind(objects)
        account = found["ServiceAccount", "app"]["metadata"].get("annotations", {})
        roles[answers["broker"] == "sqs"] |= account.keys()
        if answers["broker"] == "sqs":
            (settings,) = [item["data"] for item in objects if item["kind"] == "ConfigMap"]
            (trigger,) = found["ScaledObject", "worker-slow"]["spec"]["triggers"]
            assert trigger["metadata"]["awsRegion"] == settings["AWS_REGION"]
    assert roles == {True: {"eks.amazonaws.com/role-arn"}, False: set()}
