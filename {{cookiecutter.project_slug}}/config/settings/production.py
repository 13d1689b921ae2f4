# {% from "project.jinja" import broker, database, result with context %}
"""Settings for production: `manage.py check --deploy` reports no warnings."""

from django.http.request import split_domain_port

from config.env import env, refuse

# Required variables, with examples. `.env` is not read.
examples = {
    "SECRET_KEY": "$(openssl rand -hex 32)",
    "ALLOWED_HOSTS": "example.com,www.example.com",
    "DATABASE_URL": "{{ database.example }}",
    # {% if result.cache_url %}
    "CACHE_URL": "{{ result.cache_url }}",
    # {% endif %}
    "QUEUE_PREFIX": "{{ cookiecutter.project_slug }}",
    # {% if broker.url %}
    "CELERY_BROKER_URL": "{{ broker.example }}",
    # {% endif %}
    # {% if result.url %}
    "CELERY_RESULT_BACKEND": "{{ result.example }}",
    # {% endif %}
}
missing = [
    f"{name} is not set. Set it in the environment, for example: {name}={example}"
    for name, example in examples.items()
    if not env(name, default="")
]
if missing:
    refuse(*missing)

from config.settings.base import *

if len(SECRET_KEY) < 50:
    refuse("SECRET_KEY is too short. Set one with 50 random characters or more.")

ALLOWED_HOSTS = [host.strip() for host in env("ALLOWED_HOSTS").split(",")]
if not all(host and split_domain_port(host) == (host.lower(), "") for host in ALLOWED_HOSTS):
    refuse("ALLOWED_HOSTS is not a list of host names such as example.com,www.example.com.")

SECURE_SSL_REDIRECT = True
# The proxy in front must set this header itself, and drop the one that a visitor sent.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# One hour, so that a mistake soon expires.
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=60 * 60)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=True)
SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", default=True)
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True

# Serve static files, compressed and cached, right after the redirect to HTTPS.
MIDDLEWARE.insert(
    MIDDLEWARE.index("django.middleware.security.SecurityMiddleware") + 1,
    "whitenoise.middleware.WhiteNoiseMiddleware",
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

site = ALLOWED_HOSTS[0].removeprefix(".")
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env("DEFAULT_FROM_EMAIL", default="") or f"webmaster@{site}"
mail = env.address("EMAIL_URL", *env.EMAIL_SCHEMES, default="smtp://localhost:25")
if "?" in mail:
    refuse("EMAIL_URL is not a valid address: write smtp+tls:// for TLS, and no options.")
vars().update(env.email_url_config(mail))

LOGGING["handlers"]["console"]["formatter"] = "json"
