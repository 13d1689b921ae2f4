"""Keeps results in Django's database, also when that is away for a while."""

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
    """Writes a task's first result at once: django-celery-results' own looks for one first."""

    def store_result(self, using: str | None = None, **fields: Any) -> TaskResult:
        # An error would end a transaction of the task's own.
        if not self.connection_for_write().in_atomic_block:
            with suppress(IntegrityError):
                return self.using(using).create(**fields)
        return super().store_result(using=using, **fields)


results = Results()
results.model = TaskResult


class Backend(DatabaseBackend):
    """django-celery-results' own, which would lose a result that it cannot write at once."""

    TaskModel = SimpleNamespace(_default_manager=results, DoesNotExist=TaskResult.DoesNotExist)

    def exception_safe_to_retry(self, error: Exception) -> bool:
        """Whether to wait and try again: the database is away, or its connection is gone."""
        return isinstance(error, InterfaceError | OperationalError)

    def on_backend_retryable_error(self, error: Exception) -> None:
        close_old_connections()

    def on_chord_part_return(self, *args: Any, **kwargs: Any) -> None:
        """Counts a task of a chord that is done, for which Celery's own does not wait."""
        self._ensure_retryable(super().on_chord_part_return, *args, **kwargs)
