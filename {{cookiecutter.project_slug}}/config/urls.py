"""Which address leads where."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("health/", include("health.urls")),
    path(settings.ADMIN_URL, admin.site.urls),
    # {% if cookiecutter.demo %}
    path("", include("gallery.urls")),
    # {% endif %}
]
