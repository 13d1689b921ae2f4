# {% from "project.jinja" import scheduler with context %}
"""System checks of Celery's settings. Those of addresses need `manage.py check --deploy`."""

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from celery.app.defaults import DEFAULTS
# {% if scheduler.beat %}
from celery.beat import ScheduleEntry
# {% endif %}
from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, register
from django.core.checks import Warning as CheckWarning
from kombu.transport import TRANSPORT_ALIASES

from config import celery_app
from config.env import BASE_DIR

# Celery reads the last two, too, although it has no default for them.
NAMES = [name.upper() for name in (*DEFAULTS, "db_reuse_max", "result_backend_thread_safe")]
LOCAL = ("localhost", "127.0.0.1", "::1")
GUESSED = ("", "admin", "changeme", "guest", "password", "secret")


@register
def check_names(**kwargs: Any) -> Iterator[CheckMessage]:
    """Find misspelt settings, which Celery silently ignores."""
    for name in dir(settings):
        if name.startswith("CELERY") and name.removeprefix("CELERY_") not in NAMES:
            near = get_close_matches(name.removeprefix("CELERY_"), NAMES, n=1)
            yield CheckWarning(
                f"Celery has no setting {name}, and ignores it.",
                hint=f"Did you mean CELERY_{near[0]}?" if near else "Remove or rename it.",
                id="task_queue.W001",
            )


@register
def check_apps(**kwargs: Any) -> Iterator[CheckMessage]:
    """Find tasks of apps that are not installed: workers do not import them."""
    installed = [app.path for app in apps.get_app_configs()]
    for file in BASE_DIR.glob("*/tasks.py"):
        if file.parent.name != "tests" and str(file.parent) not in installed:
            yield CheckWarning(
                f"{file.relative_to(BASE_DIR)} is in no installed app: workers do not import it.",
                hint=f'Add "{file.parent.name}" to INSTALLED_APPS.',
                id="task_queue.W004",
            )


@register
def check_time_limits(**kwargs: Any) -> Iterator[CheckMessage]:
    """Check that tasks can clean up before they are killed."""
    app: Any = celery_app
    app.loader.init_worker()
    limits = {(task.soft_time_limit, task.time_limit): task.name for task in app.tasks.values()}
    for (soft, hard), name in limits.items():
        if soft and hard and soft >= hard:
            yield CheckWarning(
                f"{name} has a soft time limit of {soft} s, not below its time limit of {hard} s.",
                hint="Lower its soft_time_limit, or CELERY_TASK_SOFT_TIME_LIMIT.",
                id="task_queue.W006",
            )


# {% if scheduler.beat %}
@register
def check_schedule(**kwargs: Any) -> Iterator[CheckMessage]:
    """Find entries that stop beat, or that no worker can run."""
    app: Any = celery_app
    app.loader.init_worker()
    for name, entry in app.conf.beat_schedule.items():
        try:
            found: Any = ScheduleEntry(name, app=app, **entry)
            found.is_due()
            app.tasks[found.task].__header__(*found.args, **found.kwargs)
            app.amqp.router.route(found.options.copy(), found.task)
            app.amqp.create_task_message("", found.task, found.args, found.kwargs, **found.options)
        except Exception as error:
            yield CheckWarning(
                f"Beat cannot send {name!r} of CELERY_BEAT_SCHEDULE: {error!r}",
                hint='Write it like {"task": "reports.tasks.send_reports", "schedule": 60}.',
                id="task_queue.W005",
            )


# {% endif %}
@register(deploy=True)
def check_addresses(**kwargs: Any) -> Iterator[CheckMessage]:
    """Check that production connects to its database, its broker and its results safely."""
    conf = celery_app.conf
    addresses = {
        "DATABASE_URL": os.environ.get("DATABASE_URL", ""),
        "CELERY_BROKER_URL": conf.broker_transport_options.get("conn_string") or conf.broker_url,
        "CELERY_RESULT_BACKEND": conf.result_backend or "",
    }
    for setting, value in addresses.items():
        # Without an address of its own, a service uses the database.
        if os.environ.get(setting):
            for url in value.split(";"):
                yield from check_address(setting, url)


def check_address(setting: str, url: str) -> Iterator[CheckMessage]:
    """Yield a warning for each risk of an address."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    host = query.get("host") or parts.hostname or ""
    if not host or host.startswith("/"):
        # A socket or a file on this machine, or a service that finds its own address.
        return
    password = unquote(parts.password) if parts.password else query.get("password", "")
    if password in (parts.username, *GUESSED):
        yield CheckWarning(
            f"{setting} has no password, or one that is easy to guess.",
            hint="Give the server a user with a random password.",
            id="task_queue.W002",
        )
    if host not in LOCAL and not is_safe(parts.scheme, query):
        yield CheckWarning(
            f"{setting} is not encrypted, or does not verify the server's certificate: others can"
            " read tasks and the password.",
            hint="Use an address such as those in docs/deploy.md.",
            id="task_queue.W003",
        )


def is_safe(scheme: str, query: Mapping[str, str]) -> bool:
    """Return whether a connection is encrypted, to a server whose certificate is verified."""
    if scheme in TRANSPORT_ALIASES:
        # In kombu, a scheme with an s at its end is the same one with TLS.
        default = "required" if scheme[:-1] in TRANSPORT_ALIASES else "none"
        level = query.get("ssl_cert_reqs", default).lower().removeprefix("cert_")
        return level == "required" and query.get("ssl_check_hostname", "true").lower() == "true"
    mode = query.get("sslmode") or os.environ.get("PGSSLMODE", "")
    return mode in ("verify-ca", "verify-full")
