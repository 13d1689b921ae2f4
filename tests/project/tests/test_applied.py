"""A task run by `apply()` is part of its caller's transaction."""

import pytest
from celery import Celery
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import override_settings

from tests.tasks import add


@pytest.mark.django_db(transaction=True)
def test_an_applied_task_is_part_of_the_transaction() -> None:
    with transaction.atomic():
        Group.objects.create(name="before")
        assert add.apply((1, 2)).get() == 3
    with transaction.atomic():
        assert add.apply((1, 2)).get() == 3
        Group.objects.create(name="after")
    assert {group.name for group in Group.objects.all()} == {"before", "after"}


@pytest.mark.django_db
def test_an_applied_task_keeps_the_connection_of_the_test() -> None:
    Group.objects.create(name="before")
    assert add.apply((1, 2)).get() == 3
    assert Group.objects.get().name == "before"


def test_override_settings_changes_celery_settings(celery: Celery) -> None:
    with override_settings(CELERY_TASK_ALWAYS_EAGER=True):
        assert celery.conf.task_always_eager
    assert not celery.conf.task_always_eager
