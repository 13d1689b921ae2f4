"""System checks of Celery's settings. `manage.py check` runs them, and so does `migrate`."""

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from ssl import CERT_NONE
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from celery.app.defaults import DEFAULTS
from django.apps import apps
from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning
from kombu.transport import TRANSPORT_ALIASES

from config import celery_app
from config.env import BASE_DIR

# Celery reads these, too, although it has no default for them.
OTHERS = ("db_reuse_max", "result_backend_thread_safe")
NAMES = [name.upper() for name in (*DEFAULTS, *OTHERS)]
# A cache with fewer entries drops results early. Django's own default is 300.
FEW = 10_000
LOCAL = ("localhost", "127.0.0.1", "::1")
GUESSED = ("", "admin", "changeme", "guest", "password", "secret")


@register
def check_names(**kwargs: Any) -> Iterator[CheckMessage]:
    """Celery silently ignores a setting that it does not know."""
    for name in dir(settings):
        if name.startswith("CELERY") and name.removeprefix("CELERY_") not in NAMES:
            near = get_close_matches(name.removeprefix("CELERY_"), NAMES, n=1)
            yield CheckWarning(
                f"Celery has no setting {name}, and ignores it.",
                hint=f"Did you mean CELERY_{near[0]}?" if near else "Remove or rename it.",
                id="celery.W003",
            )


@register
def check_apps(**kwargs: Any) -> Iterator[CheckMessage]:
    """Celery finds the tasks of installed apps only."""
    installed = [app.path for app in apps.get_app_configs()]
    for file in BASE_DIR.glob("*/tasks.py"):
        if file.parent.name != "tests" and str(file.parent) not in installed:
            yield CheckWarning(
                f"{file.relative_to(BASE_DIR)} belongs to no installed app: workers do not see it.",
                hint=f'Add "{file.parent.name}" to INSTALLED_APPS.',
                id="celery.W012",
            )


@register
def check_expiry(**kwargs: Any) -> Iterator[CheckMessage]:
    """Results without an expiry pile up."""
    conf = celery_app.conf
    if not conf.result_expires and not conf.task_ignore_result:
        yield CheckWarning(
            f"CELERY_RESULT_EXPIRES is {conf.result_expires}: results stay forever, or not at all.",
            hint="Set how long to keep results, in seconds, such as 86400.",
            id="celery.W005",
        )


@register
def check_cache(**kwargs: Any) -> Iterator[CheckMessage]:
    """Results in a cache need one that all processes share, with room for them."""
    if not (alias := celery_app.conf.cache_backend):
        return
    cache = caches[alias]
    if isinstance(cache, LocMemCache | DummyCache):
        yield Error(
            f"The cache {alias!r} lives in the memory of each process: nobody else can read the "
            "result of a task there.",
            hint="Set CACHE_URL to a cache that all processes share, such as "
            f"dbcache://cache?max_entries={10 * FEW}.",
            id="celery.E002",
        )
    entries = settings.CACHES[alias].get("OPTIONS", {}).get("MAX_ENTRIES", 300)
    if isinstance(cache, DatabaseCache | FileBasedCache) and entries < FEW:
        yield CheckWarning(
            f"The cache {alias!r} holds {entries} results, and drops some beyond that.",
            hint=f"Add ?max_entries={10 * FEW} to CACHE_URL, or use another cache.",
            id="celery.W011",
        )


@register(deploy=True)
def check_addresses(**kwargs: Any) -> Iterator[CheckMessage]:
    """Production reaches its broker and its results over safe connections."""
    conf = celery_app.conf
    address = conf.broker_transport_options.get("conn_string") or conf.broker_url
    for url in address.split(";"):
        yield from check_address("CELERY_BROKER_URL", url, conf.broker_use_ssl)
    results = conf.result_backend or ""
    scheme = urlsplit(results).scheme
    tls = conf.get(f"{scheme[:-1]}_backend_use_ssl")
    yield from check_address("CELERY_RESULT_BACKEND", results, tls)


def check_address(setting: str, url: str, tls: Any) -> Iterator[CheckMessage]:
    """Yield what makes an address unsafe, with the TLS options that the settings have for it."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    host = query.get("host") or parts.hostname or ""
    if not host or host.startswith("/"):
        # A socket or a file on this machine, or a service that finds its own address.
        return
    setting = setting if os.environ.get(setting) else "DATABASE_URL"
    password = unquote(parts.password) if parts.password else query.get("password", "")
    if password in (parts.username, *GUESSED):
        yield CheckWarning(
            f"{setting} has no password, or one that is easy to guess.",
            hint="Give the server a user with a random password.",
            id="celery.W007",
        )
    encrypted, verified, encrypt, verify = security(parts.scheme, query, tls)
    if host in LOCAL:
        yield CheckWarning(
            f"{setting} points to {host}: is it the server for development?",
            hint="Name the server for production.",
            id="celery.W010",
        )
    elif not encrypted:
        yield CheckWarning(
            f"{setting} is not encrypted: others can read tasks and the password.",
            hint=encrypt,
            id="celery.W008",
        )
    elif not verified:
        yield CheckWarning(
            f"{setting} is encrypted, but the certificate of {host} is not verified: another "
            "server can take its place.",
            hint=verify,
            id="celery.W009",
        )


def security(scheme: str, query: Mapping[str, str], tls: Any) -> tuple[bool, bool, str, str]:
    """Return whether an address is encrypted and verified, and a hint for each."""
    # In kombu, a scheme with an s at its end is the same one with TLS.
    plain = scheme[:-1] if scheme[:-1] in TRANSPORT_ALIASES else scheme
    if plain not in TRANSPORT_ALIASES:
        mode = query.get("sslmode") or os.environ.get("PGSSLMODE", "")
        hint = "Add ?sslmode=verify-full to it. sslrootcert can name a file of authorities."
        return mode in ("require", "verify-ca", "verify-full"), "verify" in mode, hint, hint
    if f"{plain}s" not in TRANSPORT_ALIASES:
        return True, True, "", ""
    options = {**(tls if isinstance(tls, dict) else {}), **query}
    required = options.get("ssl_cert_reqs", options.get("cert_reqs"))
    verified = required not in (CERT_NONE, "none") and options.get("ssl_check_hostname", True)
    return (
        plain != scheme,
        bool(options) and bool(verified),
        f"Use {plain}s:// instead of {plain}://.",
        "Remove what turns the verification off, such as ssl_cert_reqs=none. SSL_CERT_FILE can "
        "name a file of authorities to trust.",
    )
