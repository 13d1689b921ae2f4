"""Which address leads where."""

from django.contrib import admin
# {% if cookiecutter.demo %}
from django.urls import include, path
# {% else %}
from django.urls import path
# {% endif %}

urlpatterns = [
    path("admin/", admin.site.urls),
    # {% if cookiecutter.demo %}
    path("", include("pages.urls")),
    # {% endif %}
]
