"""Gunicorn's settings. It finds this file by its name."""

import os

from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")

# Its lines look as those of Django do. It writes none about requests: Django does, and these would
# tell the addresses of visitors.
LOGGERS = {"gunicorn.error": {"propagate": True}, "gunicorn.access": {"level": "ERROR"}}
logconfig_dict = settings.LOGGING | {"loggers": settings.LOGGING["loggers"] | LOGGERS}
control_socket_disable = True  # It would be in the home folder, which may be read-only.
