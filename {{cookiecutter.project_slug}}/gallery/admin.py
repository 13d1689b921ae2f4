"""The state of each task in the admin, read-only."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from gallery.models import Album, Email, Photograph, Sheet


@admin.register(Album)
class AlbumAdmin(admin.ModelAdmin):
    list_display = ("title", "created_at")


@admin.register(Photograph, Sheet, Email)
class JobAdmin(admin.ModelAdmin):
    """Jobs with their state, error and number of attempts: more than one means it was retried."""

    # An uploaded file is never sent back to a browser, so there is no link to it.
    exclude = ("file",)
    list_display = ("__str__", "state", "error", "attempts", "task_id", "worker", "changed_at")
    list_filter = ("state",)
    search_fields = ("task_id",)
    ordering = ("-created_at",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
