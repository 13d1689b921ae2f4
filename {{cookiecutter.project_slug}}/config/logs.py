"""Log lines that say which request and which task wrote them.

`structlog.get_logger().info("report_sent", report=7)` writes a line with a field of its own. The
lines of `logging` get the same form.
"""

import logging

import structlog
from celery import current_task
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger


def add_task(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    if current_task:
        event.setdefault("task", current_task.request.shadow or current_task.name)
    return event


# What each line says. The ids of the request and of the task are among the context's variables.
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
    return formatter(renderer)


def json() -> logging.Formatter:
    return formatter(structlog.processors.format_exc_info, structlog.processors.JSONRenderer())


def formatter(*processors: Processor) -> logging.Formatter:
    return ProcessorFormatter(
        processors=[ProcessorFormatter.remove_processors_meta, *processors],
        foreign_pre_chain=FIELDS,
    )


class NotFailed(logging.Filter):
    """Drops Celery's line about a task that failed: `task_failed` says the same, and more."""

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
