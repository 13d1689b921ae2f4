"""Dead letters in the admin."""

import json

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from task_queue.models import DeadLetter


@admin.register(DeadLetter)
class DeadLetterAdmin(admin.ModelAdmin):
    list_display = ("name", "arguments", "restarts", "updated_at", "quarantined")
    list_filter = ("quarantined", "name")
    actions = ("retry",)

    def arguments(self, letter: DeadLetter) -> str:
        content = json.loads(letter.signature)
        # A message that Celery wrote has them as text in its headers.
        texts = content.get("headers", {})
        return " ".join(str(content.get(n, texts.get(f"{n}repr", ""))) for n in ("args", "kwargs"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @admin.action(description="Retry the selected dead letters", permissions=["delete"])
    def retry(self, request: HttpRequest, letters: QuerySet[DeadLetter]) -> None:
        quarantined = letters.filter(quarantined=True)
        for letter in quarantined:
            letter.retry()
        self.message_user(request, f"Dead letters sent again: {len(quarantined)}.")
