"""Dead letters and heartbeats."""

import json
from base64 import b64decode, b64encode
from datetime import timedelta
from typing import Any, Self
from uuid import NAMESPACE_OID, uuid4, uuid5

from celery import Task, current_app, signature
from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from kombu import Message
from kombu.utils.json import dumps, loads


class DeadLetter(models.Model):
    """A task or a message that cannot run, until you retry or delete it in the admin.

    A row that is not quarantined only counts the restarts of a task, and is deleted when it ends.
    """

    id = models.CharField(primary_key=True, max_length=255)
    name = models.CharField(max_length=255)
    signature = models.TextField(help_text="A task with its arguments, or a message, as JSON.")
    restarts = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)
    quarantined = models.BooleanField(default=False)

    class Meta:
        ordering = ("-quarantined", "-updated_at")

    def __str__(self) -> str:
        return f"{self.name}[{self.id}]"

    @classmethod
    def count_restart(cls, task: Task) -> Self:
        """Count a restart of the running task, and quarantine it after too many."""
        # Expired and revoked tasks do not delete their own rows.
        week_ago = timezone.now() - timedelta(days=7)
        cls.objects.filter(quarantined=False, updated_at__lt=week_ago).delete()
        name, text = task.request.shadow or task.name, dumps(task.signature_from_request())
        defaults = {"name": name, "signature": text}
        cls.objects.get_or_create(id=task.request.id, defaults=defaults)
        # Two workers may count the same task.
        with transaction.atomic():
            letter = cls.objects.select_for_update().get(id=task.request.id)
            letter.restarts += 1
            letter.quarantined = letter.restarts > settings.TASK_MAX_RESTARTS
            letter.save()
        return letter

    @classmethod
    def quarantine(cls, message: Message) -> None:
        """Keep a whole message that this worker cannot run: another version may be able to."""
        body: Any = message.body or b""
        body = body if isinstance(body, bytes) else str(body).encode(errors="surrogatepass")
        headers = dict(message.headers)
        if not message.errors:
            # kombu has decompressed the body.
            headers.pop("compression", None)
        delivery = message.delivery_info if isinstance(message.delivery_info, dict) else {}
        kept = ("correlation_id", "priority", "reply_to")
        content: dict[str, Any] = {name: message.properties.get(name) for name in kept} | {
            "body": b64encode(body).decode(),
            "content_type": message.content_type,
            "content_encoding": message.content_encoding,
            "headers": headers,
            "exchange": delivery.get("exchange") or "",
            "routing_key": delivery.get("routing_key") or current_app.conf.task_default_queue,
        }
        name = str(message.headers.get("task", "(no task)"))
        # Some databases refuse NUL and lone surrogates.
        name = name.encode(errors="backslashreplace").decode().replace("\0", "")[:200]
        text = json.dumps(content, default=str)
        # A schedule sends the same message repeatedly: keep only the newest.
        key = name + content["body"] if "celery_beat_task" in headers else str(uuid4())
        values = {"name": name, "signature": text, "quarantined": True}
        cls.objects.update_or_create(id=uuid5(NAMESPACE_OID, key), defaults=values)

    def retry(self) -> None:
        """Send the task or the message again, even an expired one, and delete the dead letter."""
        content: dict[str, Any] = json.loads(self.signature)
        if "body" in content:
            policy = current_app.conf.task_publish_retry_policy
            body = b64decode(content.pop("body"))
            content["headers"].pop("expires", None)
            # Some brokers drop a message to an exchange that was not declared.
            declare = [queue.exchange for queue in current_app.amqp.queues.values()]
            with current_app.producer_or_acquire() as producer:
                options = {"retry": True, "retry_policy": policy, "declare": declare}
                producer.publish(body, confirm_timeout=2, **options, **content)
        else:
            task = signature(loads(self.signature))
            task.options.pop("expires", None)
            task.apply_async()
        self.delete()


class Heartbeat(models.Model):
    """The time when something last ran, by its name."""

    name = models.CharField(primary_key=True, max_length=255)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} at {self.at.isoformat()}"
