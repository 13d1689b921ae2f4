"""Configure structlog and `logging`: each line has the ids of its request and its task."""

import logging
import logging.config
import sys
from typing import Any

import structlog
from celery import current_task
from celery.signals import setup_logging
from django.conf import settings
from django_structlog.celery.receivers import CeleryReceiver
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger


class TaskReceiver(CeleryReceiver):
    """Log what happens to tasks. Messages carry the id of the request that sent them."""

    def get_task_context(self) -> dict[str, Any]:
        # Send other types, such as UUIDs, as text.
        plain = str | int | float | None
        context = super().get_task_context().items()
        return {name: value if isinstance(value, plain) else str(value) for name, value in context}

    def receiver_task_prerun(self, task_id: str, task: Any, *args: Any, **kwargs: Any) -> None:
        # A task run by `apply()` belongs to its caller, whose lines keep their ids.
        if not task.request.is_eager:
            super().receiver_task_prerun(task_id, task, *args, **kwargs)


receiver = TaskReceiver()
receiver.connect_worker_signals()


@setup_logging.connect
def log_as_django_does(loglevel: int, logfile: str | None, **kwargs: Any) -> None:
    """Configure logging from the settings. The options `-l` and `-f` override them."""
    root, handlers = settings.LOGGING["root"], settings.LOGGING["handlers"]
    if any(word.startswith(("-l", "--loglevel")) for word in sys.argv):
        root["level"] = handlers["console"]["level"] = loglevel
    if logfile:
        handlers["console"] |= {"class": "logging.handlers.WatchedFileHandler", "filename": logfile}
    logging.config.dictConfig(settings.LOGGING)


def add_task(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    if current_task:
        event.setdefault("task", current_task.request.shadow or current_task.name)
    return event


def drop_exception(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Drop `exception`, which the console needs a traceback to show; `error` has its text."""
    event.pop("exception", None)
    return event


# The ids of the request and the task are context variables.
FIELDS: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    add_task,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso"),
]


def readable() -> logging.Formatter:
    # Without the values of variables, which may be secret.
    exceptions = structlog.dev.plain_traceback
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=exceptions)
    return formatter(drop_exception, renderer)


def json() -> logging.Formatter:
    return formatter(structlog.processors.format_exc_info, structlog.processors.JSONRenderer())


def formatter(*processors: Processor) -> logging.Formatter:
    processors = (ProcessorFormatter.remove_processors_meta, *processors)
    return ProcessorFormatter(processors=processors, foreign_pre_chain=FIELDS)


class NotFailed(logging.Filter):
    """Drop Celery's line about a failed task: `task_failed` says the same, and more."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno != logging.ERROR or not hasattr(record, "data")


structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *FIELDS,
        structlog.stdlib.PositionalArgumentsFormatter(),
        ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
