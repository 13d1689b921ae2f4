"""How a worker takes messages from the broker."""

import logging
from collections.abc import Callable
from typing import Any

import celery.worker.consumer
from celery.app.task import Context
from celery.exceptions import InvalidTaskError
from django.conf import settings
from django.db import Error, close_old_connections
from kombu import Message

from interruptions.models import InterruptedTask

logger = logging.getLogger(__name__)

# What Celery raises when it reads a message that none of its like has written.
MALFORMED = (AttributeError, IndexError, KeyError, TypeError, ValueError)


class Consumer(celery.worker.consumer.Consumer):
    """Drops what is no task, with an error in the log.

    Celery's own stops at some such messages, and so does the next worker, which gets them again.
    """

    def create_task_handler(self, *args: Any, **options: Any) -> Callable[[Message], None]:
        receive = super().create_task_handler(*args, **options)

        def receive_if_sound(message: Message) -> None:
            try:
                check(message)
                receive(message)
            except (InvalidTaskError, *MALFORMED) as error:
                if message.acknowledged:
                    raise
                self.on_invalid_task(None, message, error)

        return receive_if_sound

    def on_unknown_task(self, body: object, message: Message, exc: Exception) -> None:
        """Sets aside what another version of the project has sent; Celery's own drops it."""
        task = self.app.Task()
        task.name = message.headers["task"]
        args, kwargs, embed = message.payload
        delivery = {key: message.delivery_info[key] for key in ("exchange", "routing_key")}
        request = Context(
            message.headers, args=args, kwargs=kwargs, delivery_info=delivery, **embed
        )
        close_old_connections()
        try:
            InterruptedTask.set_aside_unknown(task, request)
        except Error:
            logger.exception("The broker keeps an unknown task: the database is away.")
        else:
            super().on_unknown_task(body, message, exc)


def check(message: Message) -> None:
    """Raises an error for a message that is too large, or that Celery finds malformed too late."""
    size = len(message.body or "")
    if size > settings.MESSAGE_MAX_BYTES:
        raise InvalidTaskError(f"{size} bytes are more than MESSAGE_MAX_BYTES")
    # Celery reads these when it has taken a pool process, and would not give that back.
    _hard, _soft = [float(limit or 0) for limit in message.headers.get("timelimit") or (0, 0)]
    set(message.headers.get("stamped_headers") or ())
    # What the lines of the log say about the sender.
    if not isinstance(message.headers.get("__django_structlog__", {}), dict):
        raise InvalidTaskError("what sent it is no dictionary")
