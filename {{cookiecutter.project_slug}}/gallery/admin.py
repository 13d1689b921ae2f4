"""The gallery in the admin: how each task went, long after the page forgot it."""

from django.contrib import admin
from django.http import HttpRequest

from gallery.models import Album, Email, Photograph, Sheet


@admin.register(Album)
class AlbumAdmin(admin.ModelAdmin):
    list_display = ("title", "created_at")


@admin.register(Photograph, Sheet, Email)
class JobAdmin(admin.ModelAdmin):
    # What visitors upload is never sent back to a browser, so no address leads to it.
    exclude = ("file",)
    list_display = ("__str__", "state", "error", "created_at")
    list_filter = ("state",)
    ordering = ("-created_at",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
