"""Dead letters in the admin."""

from celery import signature
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from kombu.utils.json import loads

from task_queue.models import DeadLetter


@admin.register(DeadLetter)
class DeadLetterAdmin(admin.ModelAdmin):
    list_display = ("name", "args", "kwargs", "restarts", "updated_at", "quarantined")
    list_filter = ("quarantined", "name")
    actions = ("retry",)

    @admin.display
    def args(self, letter: DeadLetter) -> str:
        return str(loads(letter.signature)["args"])

    @admin.display
    def kwargs(self, letter: DeadLetter) -> str:
        return str(loads(letter.signature)["kwargs"])

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @admin.action(description="Retry the selected dead letters", permissions=["delete"])
    def retry(self, request: HttpRequest, letters: QuerySet[DeadLetter]) -> None:
        quarantined = letters.filter(quarantined=True)
        for letter in quarantined:
            signature(loads(letter.signature)).apply_async()
            letter.delete()
        self.message_user(request, f"Sent again: {len(quarantined)}.")
