# {% from "project.jinja" import broker, database, django, observability, result, scheduler with context %}
"""Settings that all environments share. Celery's are in `celery.py`."""

import logging
from typing import Any

# {% if observability.imports() %}
{{ observability.imports() }}

# {% endif %}
from config.env import BASE_DIR, database, env, refuse
from config.settings.celery import *

SECRET_KEY = env("SECRET_KEY")

INSTALLED_APPS = [
    # Django
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    # {% for app in django.apps + result.apps + scheduler.apps %}
    # {%   if loop.first %}
    # Third party
    # {%   endif %}
    "{{ app }}",
    # {% endfor %}
    # The template
    # {% for app in broker.apps %}
    "{{ app }}",
    # {% endfor %}
    "task_queue",
    # Yours
    "accounts",
    # {% if cookiecutter.demo %}
    "gallery",
    # {% endif %}
]

MIDDLEWARE = [
    "task_queue.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "task_queue.health.BrokerUnavailableMiddleware",
    "{{ django.csp_middleware }}",
]

{{ django.settings() }}

ROOT_URLCONF = "config.urls"
ADMIN_URL = (env("ADMIN_URL", default="").strip("/") or "admin") + "/"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {"default": database()}
{{ database.settings() }}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

cache = env.address("CACHE_URL", *env.CACHE_SCHEMES, numbered=True, default="locmemcache://")
CACHES = {"default": env.cache_url_config(cache)}

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

LANGUAGE_CODE = "en"
TIME_ZONE = CELERY_TIMEZONE

EMAIL_TIMEOUT = 10

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
# Uploads, in a folder that all web processes and workers share.
MEDIA_ROOT = BASE_DIR / (env("MEDIA_ROOT", default="") or "media")

level = env("LOG_LEVEL", default="INFO").upper()
if level not in logging.getLevelNamesMapping():
    refuse("LOG_LEVEL is not DEBUG, INFO, WARNING, ERROR or CRITICAL.")
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"not_failed": {"()": "task_queue.logging.NotFailed"}},
    "formatters": {
        "readable": {"()": "task_queue.logging.readable"},
        "json": {"()": "task_queue.logging.json"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "readable"}},
    "root": {"handlers": ["console"], "level": level},
    # Drop lines that repeat those of django-structlog.
    "loggers": {
        "celery.app.trace": {"level": "WARNING", "filters": ["not_failed"]},
        "celery.worker.strategy": {"level": "WARNING"},
        # Remove the handlers that Django configures.
        "django": {},
        "django.request": {"level": "CRITICAL"},
        "django.server": {"level": "ERROR", "propagate": True},
    },
}
# Visitors' IP addresses and ids are personal data.
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_USER_ID_FIELD = None
# Tasks log when they end. With LOG_LEVEL=DEBUG, they also log when they are sent and started.
DJANGO_STRUCTLOG_CELERY_TASK_START_LOG_LEVEL = logging.DEBUG
# {% if observability.settings() %}

{{ observability.settings() }}
# {% endif %}
