"""The URLs of the project."""

from django.conf import settings
from django.contrib import admin
# {% if cookiecutter.demo %}
from django.urls import include, path
# {% else %}
from django.urls import path
# {% endif %}

urlpatterns = [
    path(settings.ADMIN_URL, admin.site.urls),
    # {% if cookiecutter.demo %}
    path("", include("gallery.urls")),
    # {% endif %}
]
