"""The gallery in the admin: how each task went, long after the page forgot it."""

from django.contrib import admin

from gallery.models import Album, Email, Photograph, Sheet


@admin.register(Album)
class AlbumAdmin(admin.ModelAdmin):
    list_display = ("title", "created_at")


@admin.register(Photograph, Sheet, Email)
class JobAdmin(admin.ModelAdmin):
    list_display = ("__str__", "state", "error", "created_at")
    list_filter = ("state",)
    ordering = ("-created_at",)
