"""Texts in the admin."""

from django.contrib import admin

from pages.models import Text


@admin.register(Text)
class TextAdmin(admin.ModelAdmin):
    list_display = ("text", "words", "created_at")
    readonly_fields = ("words",)
