"""The gallery in the admin: how each task went, long after the page forgot it."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from gallery.models import Album, Email, Photograph, Sheet


@admin.register(Album)
class AlbumAdmin(admin.ModelAdmin):
    list_display = ("title", "created_at")


@admin.register(Photograph, Sheet, Email)
class JobAdmin(admin.ModelAdmin):
    """Success, failure, and by the number of attempts whether a task was retried. To be read."""

    # What visitors upload is never sent back to a browser, so no address leads to it.
    exclude = ("file",)
    list_display = ("__str__", "state", "error", "attempts", "task_id", "changed_at")
    list_filter = ("state",)
    search_fields = ("task_id",)
    ordering = ("-created_at",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
