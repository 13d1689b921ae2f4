"""Keep results in a database through SQLAlchemy, and wait while it is down."""

# Celery's stubs leave this out.
# mypy: disable-error-code="misc"

from celery.app.backends import BACKEND_ALIASES
from celery.backends.database import DatabaseBackend
from sqlalchemy.exc import DataError


class Backend(DatabaseBackend):
    """A backend that retries, unless the database refuses a value: Celery would retry endlessly."""

    def exception_safe_to_retry(self, error: Exception) -> bool:
        return bool(super().exception_safe_to_retry(error)) and not isinstance(error, DataError)


BACKEND_ALIASES["db"] = f"{__name__}:Backend"
