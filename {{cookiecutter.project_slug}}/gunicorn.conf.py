"""Gunicorn's settings. It finds this file by its name."""

import os

from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

# Use Django's log format, but log no requests: Django does, without visitors' addresses.
LOGGERS = {"gunicorn.error": {"propagate": True}, "gunicorn.access": {"level": "ERROR"}}
logconfig_dict = settings.LOGGING | {"loggers": settings.LOGGING["loggers"] | LOGGERS}
control_socket_disable = True  # By default, it is in the home folder, which may be read-only.
