# {% from "project.jinja" import broker, flower, result with context %}
"""The state of workers, broker and results, as the page shows it."""

# {% if not broker.broadcasts %}
from datetime import timedelta

# {% endif %}
# {% if flower %}
from django.conf import settings
# {% endif %}
# {% if broker.broadcasts %}
from django.core.cache import cache
# {% endif %}
from django.urls import reverse
# {% if broker.broadcasts %}

from config import celery_app
# {% else %}
from django.utils import timezone

from gallery.models import Photograph, State
# {% endif %}

BROKER = "{{ broker.title }}"
RESULTS = "{{ result.title }}"
# {% if broker.broadcasts %}
# Seconds to keep an answer, and seconds to wait for one.
MAX_AGE, TIMEOUT = 5, 0.5


def workers() -> str:
    """Return a sentence with the number of workers. Asking them takes a moment, so it is cached."""
    return str(cache.get_or_set("gallery-workers", ask, MAX_AGE))


def ask() -> str:
    try:
        with celery_app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=0)
            count = len(celery_app.control.ping(timeout=TIMEOUT, connection=broker) or [])
    # Each broker's library has exceptions of its own.
    except Exception:
        return f"{BROKER} does not answer: tasks cannot be sent."
    if not count:
        return "No worker is listening. Start one: make worker"
    return "1 worker is listening." if count == 1 else f"{count} workers are listening."
# {% else %}
LONG_WAIT = timedelta(seconds=15)


def workers() -> str:
    """Return a guess from the age of waiting photographs, since workers cannot be asked."""
    long_ago = timezone.now() - LONG_WAIT
    if Photograph.objects.filter(state=State.WAITING, created_at__lt=long_ago).exists():
        return "Photographs have been waiting for a while. Is a worker running? make worker"
    return f"{BROKER} does not report how many workers are listening."
# {% endif %}


def links() -> dict[str, str]:
    """Return the name and the address of the other pages to look at."""
    # {% if flower %}
    addresses = {"Admin": reverse("admin:index")}
    if settings.DEBUG:
        addresses["Flower"] = "http://localhost:5555"
    return addresses
    # {% else %}
    return {"Admin": reverse("admin:index")}
    # {% endif %}
