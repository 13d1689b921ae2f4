"""Keeps results in Django's database, and waits while it is down."""

# celery-types knows little of django-celery-results.
# mypy: disable-error-code="attr-defined, misc, override"

from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from django.db import IntegrityError, InterfaceError, OperationalError, close_old_connections
from django_celery_results.backends import DatabaseBackend
from django_celery_results.managers import TaskResultManager
from django_celery_results.models import TaskResult


class Results(TaskResultManager):
    """Inserts a task's first result. The base class would look for an earlier one before that."""

    def store_result(self, using: str | None = None, **fields: Any) -> TaskResult:
        # In a transaction, an IntegrityError would break it.
        if not self.connection_for_write().in_atomic_block:
            with suppress(IntegrityError):
                return self.using(using).create(**fields)
        return super().store_result(using=using, **fields)


results = Results()
results.model = TaskResult


class Backend(DatabaseBackend):
    """A backend that retries. django-celery-results would lose a result that it cannot write."""

    TaskModel = SimpleNamespace(_default_manager=results, DoesNotExist=TaskResult.DoesNotExist)

    def exception_safe_to_retry(self, error: Exception) -> bool:
        """Retry while the database is down, or the connection to it is lost."""
        return isinstance(error, InterfaceError | OperationalError)

    def on_backend_retryable_error(self, error: Exception) -> None:
        close_old_connections()

    def on_chord_part_return(self, *args: Any, **kwargs: Any) -> None:
        """Count a finished task of a chord. Celery would not wait for the database here."""
        self._ensure_retryable(super().on_chord_part_return, *args, **kwargs)
