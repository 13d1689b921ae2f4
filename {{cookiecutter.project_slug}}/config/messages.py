"""Messages, which carry a task and its arguments to a worker, are small and plain."""

from typing import Any

from celery.app.amqp import AMQP, task_message
from django.conf import settings
from kombu import compression
from kombu.exceptions import ContentDisallowed, EncodeError
from kombu.serialization import dumps


class SmallMessages(AMQP):
    """Sends tasks whose arguments are small: raises EncodeError above `MESSAGE_MAX_BYTES`."""

    def as_task_v2(self, task_id: str, name: str, *args: Any, **options: Any) -> task_message:
        message = super().as_task_v2(task_id, name, *args, **options)
        size = len(dumps(message.body, serializer="json")[2])
        if size > settings.MESSAGE_MAX_BYTES:
            raise EncodeError(
                f"{name} would be a message of {size} bytes, and {settings.MESSAGE_MAX_BYTES} are"
                " allowed (MESSAGE_MAX_BYTES). Pass a key, such as a row's, not the data."
            )
        return message


def refuse(data: bytes) -> bytes:
    raise ContentDisallowed("Messages are not compressed: a small one could hold gigabytes.")


for content_type in compression.encoders():
    compression.register(refuse, refuse, content_type)
