"""The project is sound before anything runs."""

from celery.app.defaults import DEFAULTS
from django.conf import settings
from django.core.management import call_command


def test_django_finds_nothing_to_complain_about() -> None:
    call_command("check", "--fail-level", "WARNING")


def test_no_migration_is_missing(db: None) -> None:
    call_command("makemigrations", "--check", "--dry-run")


def test_each_celery_setting_is_one_that_celery_knows() -> None:
    """Celery ignores a misspelt one without a word."""
    known = {f"CELERY_{name.upper()}" for name in DEFAULTS}
    assert {name for name in dir(settings) if name.startswith("CELERY_")} <= known
