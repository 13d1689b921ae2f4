"""The project is sound before anything runs."""

from django.core.management import call_command


def test_django_finds_nothing_to_complain_about() -> None:
    call_command("check", "--fail-level", "WARNING")


def test_no_migration_is_missing(db: None) -> None:
    call_command("makemigrations", "--check", "--dry-run")
