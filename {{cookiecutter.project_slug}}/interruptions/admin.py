"""Interrupted tasks in the admin."""

from celery import signature
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from kombu.utils.json import loads

from interruptions.models import InterruptedTask


@admin.register(InterruptedTask)
class InterruptedTaskAdmin(admin.ModelAdmin):
    list_display = ("name", "args", "kwargs", "restarts", "restarted_at", "set_aside")
    list_filter = ("set_aside", "name")
    actions = ("send_again",)

    @admin.display
    def args(self, task: InterruptedTask) -> str:
        return str(loads(task.signature)["args"])

    @admin.display
    def kwargs(self, task: InterruptedTask) -> str:
        return str(loads(task.signature)["kwargs"])

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @admin.action(description="Send again what was set aside", permissions=["delete"])
    def send_again(self, request: HttpRequest, tasks: QuerySet[InterruptedTask]) -> None:
        set_aside = tasks.filter(set_aside=True)
        for task in set_aside:
            signature(loads(task.signature)).apply_async()
            task.delete()
        self.message_user(request, f"Sent again: {len(set_aside)}.")
