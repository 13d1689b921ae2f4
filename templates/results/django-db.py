"""Keep results in Django's database, and wait while it is down."""

# celery-types knows little of django-celery-results.
# mypy: disable-error-code="attr-defined, import-untyped, misc, override"

from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from celery.canvas import maybe_signature
from django.db import close_old_connections, connections, router, transaction
from django.db.utils import IntegrityError, InterfaceError, OperationalError
from django_celery_results.backends import DatabaseBackend
from django_celery_results.backends.database import trigger_callback
from django_celery_results.managers import TaskResultManager
from django_celery_results.models import ChordCounter, TaskResult


class Results(TaskResultManager):
    """Insert a task's first result. The base class would look for an earlier one before that."""

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
        # In a transaction, another attempt would fail, too.
        in_transaction = connections[router.db_for_write(TaskResult)].in_atomic_block
        return isinstance(error, InterfaceError | OperationalError) and not in_transaction

    def on_backend_retryable_error(self, error: Exception) -> None:
        close_old_connections()

    def on_chord_part_return(self, request: Any, *args: Any, **kwargs: Any) -> None:
        """Count a finished part of a chord. Celery would not wait for the database here."""
        self._ensure_retryable(self.count_part, request)

    def count_part(self, request: Any) -> None:
        """Send the body of a chord after its last part.

        A part may run twice. django-celery-results would count it twice, and never send the body.
        """
        with transaction.atomic(using=router.db_for_write(ChordCounter)):
            chord = ChordCounter.objects.select_for_update().filter(group_id=request.group).first()
            if chord is None:
                return
            parts = chord.group_result(app=self.app)
            # At zero, count those that are not done.
            chord.count = max(chord.count - 1, 0) or sum(not part.ready() for part in parts)
            chord.save(update_fields=["count"])
        if not chord.count:
            # After the transaction, since it may wait for the broker.
            body = maybe_signature(request.chord, app=self.app)
            self.app.amqp._retry_publish(trigger_callback, self.app, body, parts)
            chord.delete()
